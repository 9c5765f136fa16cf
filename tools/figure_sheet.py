"""Put every figure of the lessons on one page, to look at them together: `make figures`.

Usage: figure_sheet.py [FOLDER]       (default: build/figures)

Each figure stands in colour, in grey and as someone without green cones sees it, with its lesson,
cell, size and alternative text. What is shown is what the notebooks store; nothing is executed.
"""

import base64
import html
import io
import shutil
import sys
from pathlib import Path

import numpy as np
from lessons import ROOT, read
from PIL import Image

# G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for
# Simulation of Color Vision Deficiency" (2009), table 1, severity 1.0; both for linear RGB.
EYES = {
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>All figures</title><style>
body { font: 15px sans-serif; margin: 1em } figure { margin: 0 0 2em }
figure div { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6px }
img { width: 100%; border: 1px solid #ccc } .missing { color: #b00 }</style><h1>All figures</h1>
"""


def figures(paths):
    """Yield lesson, cell number, PNG and alternative text of every figure that is stored."""
    for path in paths:
        for number, cell in enumerate(read(path)["cells"]):
            for output in cell.get("outputs", []):
                if picture := output.get("data", {}).get("image/png"):
                    alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                    yield path, number, base64.b64decode("".join(picture)), alt


def seen_by(eye, png):
    """Return a picture as an eye sees it."""
    rgb = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(EYES[eye]), 0, 1)
    rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.rint(255 * rgb).astype("uint8"))


def write_sheet(paths, folder):
    """Write the page and its pictures; return how many figures there are."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    page = [HEAD]
    for count, (path, number, png, alt) in enumerate(figures(paths)):
        name = f"{path.parent.name}-{path.stem}-{number}-{count}"
        (folder / f"{name}.png").write_bytes(png)
        for eye in EYES:
            seen_by(eye, png).save(folder / f"{name}-{eye}.png")
        words = html.escape(alt, quote=True)
        shown = [f"{name}{end}.png" for end in ("", *(f"-{eye}" for eye in EYES))]
        images = "".join(f'<img src="{file}" alt="{words}" loading="lazy">' for file in shown)
        words = words or '<span class="missing">no alternative text</span>'
        page.append(f"<figure><div>{images}</div><figcaption><b>{path.stem}, cell {number}, "
                    f"{len(png) / 1024:.0f} kB</b>: {words}</figcaption></figure>\n")  # fmt: skip
    (folder / "index.html").write_text("".join(page), encoding="utf-8")
    return len(page) - 1


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT / "build" / "figures"
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    lessons += sorted((ROOT / "notebooks" / "deeper").glob("*.ipynb"))
    print(f"{write_sheet(lessons, target)} figures: open {target / 'index.html'} in a browser.")
