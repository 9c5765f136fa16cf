"""A figure that moves in a saved notebook, without a kernel and without a network."""

import hashlib
import html
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Animation:
    """A moving figure that plays without a kernel and without a network.

    Parameters
    ----------
    html : str
        A still picture, and the script that sets it moving where a page runs scripts.
    alt : str
        What is drawn, with its numbers, for a screen reader.
    """

    html: str
    alt: str

    def __repr__(self):
        return f"Animation: {self.alt}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": repr(self)}


def animation(still, alt, data, draw, *, images, unit, labels, seconds, width=640):
    """Return an Animation of as many frames as there are labels.

    Parameters
    ----------
    still : str
        A picture as a data address, for where scripts do not run.
    alt : str
        The same in words.
    data : dict
        What the script draws from, besides what the other arguments say.
    draw : str
        JavaScript that draws the frame number ``step`` with ``pen`` (the canvas' 2D context)
        from ``data`` and ``images``; before it, ``key`` is an empty element above the canvas.
    images : list of str
        Pictures as data addresses; the canvas has the size of the first.
    unit : str
        What the slider counts, such as "epoch".
    labels : list of str
        What stands beside the slider at each frame.
    seconds : float
        How long it plays.
    width : int, default 640
        At most so many pixels wide.
    """
    data = data | {"images": images, "unit": unit, "labels": labels, "seconds": seconds, "alt": alt}
    text = json.dumps(data, separators=(",", ":"))
    name = "optlab-" + hashlib.sha256((text + draw).encode()).hexdigest()[:12]
    page = _PAGE.format(
        name=name, still=still, alt=html.escape(alt), data=text.replace("</", "<\\/"), draw=draw,
        width=width,
    )  # fmt: skip
    return Animation(page, alt)


# The script finds its own element, loads nothing, and stands still for those who ask their
# system for less motion. Numbers: pixels of the picture.
_PAGE = """<div id="{name}" style="max-width:{width}px"><img src="{still}" alt="{alt}" \
style="width:100%"></div>
<script>(() => {{
const data = {data};
const root = document.getElementById("{name}");
const images = data.images.map(() => new Image());
let missing = images.length;
const start = () => {{
  if (--missing) return;
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = images[0].width; canvas.height = images[0].height; canvas.style.width = "100%";
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", data.alt);
  const bar = document.createElement("div"), button = document.createElement("button");
  const slider = document.createElement("input"), text = document.createElement("span");
  const steps = data.labels.length - 1;
  slider.type = "range"; slider.min = 0; slider.max = steps; slider.step = 1;
  slider.setAttribute("aria-label", data.unit); slider.style.width = "45%";
  bar.style.cssText = "display:flex;gap:.8em;align-items:center;font:14px sans-serif";
  bar.append(button, slider, text);
  const key = document.createElement("div");
  key.style.cssText = "font:14px sans-serif;margin:.3em 0";
  root.replaceChildren(key, canvas, bar);
{draw}
  const show = (step) => {{
    draw(step); slider.value = step; text.textContent = data.labels[step];
  }};
  let began = null;
  const say = (playing) => {{ button.textContent = playing ? "Pause" : "Play"; }};
  const tick = (now) => {{
    if (began === null || !root.isConnected) return;
    const step = Math.min(steps, Math.floor((now - began) / 1000 / data.seconds * steps));
    show(Math.max(0, step));
    if (step < steps) requestAnimationFrame(tick); else {{ began = null; say(false); }}
  }};
  const play = (from) => {{
    began = performance.now() - from / steps * data.seconds * 1000; say(true);
    requestAnimationFrame(tick);
  }};
  button.onclick = () => {{
    if (began !== null) {{ began = null; say(false); }}
    else play(+slider.value < steps ? +slider.value : 0);
  }};
  slider.oninput = () => {{ began = null; say(false); show(+slider.value); }};
  say(false);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) show(steps); else play(0);
}};
images.forEach((image, i) => {{ image.onload = start; image.src = data.images[i]; }});
}})();</script>"""
