"""How a notebook shows a claim: a small card of words, with a strip that draws its evidence.

Plain HTML and a picture in the page itself: no script and no style sheet, so that it reads the same
in JupyterLab, on a web page and in a feedback file. Where a page drops pictures, the words remain.
"""

import base64
import html

import numpy as np

# shape, word, colour; the greys and colours can be read on white and on black
LOOKS = {
    "supported": ("✓", "Supported", "#1E8A4C"),
    "contradicted": ("✗", "Contradicted", "#CC4433"),
    "undecided": ("≈", "Undecided", "#96720A"),
    "true": ("✓", "True", "#1E8A4C"),
    "false": ("✗", "False", "#CC4433"),
}
GREY, DOT = "#7A7A7A", "#4A90D0"
WIDTH, HEIGHT, DOTS = 480, 48, 100
ROWS, STEP = (8, 14, 20), 4  # where the dots lie, and how far apart beside each other


def card(claim, guess=None):
    """Return a claim as HTML.

    Parameters
    ----------
    claim : Claim
    guess : str or None
        What the student expected: "yes", "no" or "close".
    """
    shape, word, color = LOOKS[claim.verdict]
    label = f" (claim {claim.label})" if claim.label else ""
    lines = [f"<strong>{shape} {word}:</strong> {html.escape(claim.sentence)}{label}"]
    if not claim.as_expected:
        lines.append(f"<strong>Not as expected: the text says {claim.expected}.</strong>")
    if guess:
        lines.append(f"Your guess: {guess}.")
    if claim.evidence:
        lines.append(f"<small>{html.escape(claim.evidence)}</small>")
    if claim.effect is not None and np.isfinite(claim.effect).any():
        picture = base64.b64encode(strip(claim).encode()).decode()
        alt = html.escape(f"One dot per {claim.per}, the interval, the claimed side.", quote=True)
        lines.append(
            f'<img width="{WIDTH}" height="{HEIGHT}" alt="{alt}" '
            f'src="data:image/svg+xml;base64,{picture}">'
        )
    return (
        f'<div class="optlab-claim" style="border-left: 4px solid {color}; padding: 2px 12px; '
        f'margin: 4px 0">{"<br>".join(lines)}</div>'
    )


def strip(claim):
    """Return the drawing of a claim's evidence as SVG: dots, interval, claimed side."""
    values = claim.effect[np.isfinite(claim.effect)]
    to_axis = np.log if claim.kind == "ratio" else np.asarray
    if claim.kind == "ratio":
        values = values[values > 0]
    shown = np.sort(values)
    if len(shown) > DOTS:  # so many quantiles stand for them
        shown = np.quantile(shown, (np.arange(DOTS) + 0.5) / DOTS)
    sides = [side for side in (claim.low, claim.high) if np.isfinite(side)]
    ends = [end for end in claim.interval if np.isfinite(end)]
    marks = to_axis([*shown, *ends, *(s for s in sides if s > 0 or claim.kind != "ratio")])
    share = claim.kind == "share"
    first, last = (0.0, 1.0) if share else (marks.min(), marks.max())
    room = 0.06 * (last - first) or 1.0
    first, last = first - room, last + room

    def x(value):
        with np.errstate(divide="ignore"):
            return round(float((to_axis(value) - first) / (last - first) * WIDTH), 1)

    left = x(claim.low) if np.isfinite(claim.low) else 0
    right = x(claim.high) if np.isfinite(claim.high) else WIDTH
    parts = [f'<rect x="{left}" width="{max(right - left, 0):.1f}" height="34" fill="{GREY}" '
             'opacity=".28"/>']  # fmt: skip
    for side in sides:
        parts.append(f'<path d="M{x(side)} 0v34" stroke="{GREY}" stroke-dasharray="3 2"/>')
        parts.append(_text(x(side), _side(claim, side)))
    parts.append(_dots(side_by_side([x(v) for v in (piles(values) if share else shown)])))
    if ends:
        low, high = map(x, ends)
        middle = np.exp(np.log(values).mean()) if claim.kind == "ratio" else values.mean()
        parts.append(f'<path d="M{low} 28H{high}M{low} 25v6M{high} 25v6" stroke="{GREY}" '
                     f'stroke-width="2"/><path d="M{x(middle)} 23l5 5-5 5-5-5z" '
                     f'fill="{GREY}"/>')  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        + "".join(parts)
        + "</svg>"
    )


def piles(values):
    """Return zeros and ones, a little beside each other so that their number can be seen."""
    values = np.sort(values)
    if len(values) > DOTS:  # one dot at least for what there is at all
        ones = np.clip(round(DOTS * values.mean()), values.max(), DOTS - 1 + values.min())
        values = np.sort(np.arange(DOTS) < ones)
    count = {0: 0, 1: 0}
    places = []
    for value in values.astype(int):
        places.append(value + (1 - 2 * value) * 0.012 * (count[value] // 3))
        count[value] += 1
    return places


def side_by_side(places):
    """Return dots, x and row, in columns of three: where many values are equal, all are seen."""
    blocks = []  # neighbours that need each other's room: the sum of their places, their number
    for place in sorted(places):
        total, count = place, 1
        while blocks and total / count - blocks[-1][0] / blocks[-1][1] < STEP * (
            -(-count // 3) - (-blocks[-1][1] // 3)) / 2:  # fmt: skip
            total, count = (a + b for a, b in zip((total, count), blocks.pop(), strict=True))
        blocks.append((total, count))
    dots = []
    for total, count in blocks:
        columns = -(-count // 3)
        half = STEP * (columns - 1) / 2
        middle = min(max(total / count, half + 3), WIDTH - half - 3)
        dots += [(middle - half + STEP * (i // 3), ROWS[i % 3]) for i in range(count)]
    return dots


def _dots(places):
    path = "".join(f"M{round(x, 1):g} {y}h0" for x, y in places)
    return (f'<path d="{path}" stroke="{DOT}" stroke-width="5" stroke-linecap="round" '
            'opacity=".75"/>')  # fmt: skip


def _text(x, words):
    anchor = "start" if x < 60 else "end" if x > WIDTH - 60 else "middle"
    return (f'<text x="{x}" y="45" font-size="11" font-family="sans-serif" fill="{GREY}" '
            f'text-anchor="{anchor}">{html.escape(words)}</text>')  # fmt: skip


def _side(claim, side):
    if claim.unit in ("percent", "runs"):
        return f"{100 * side:g} %"
    number = f"{100 * side:g}" if claim.unit == "points" else f"{side:g}"
    return f"{number} {claim.unit}" if claim.unit else number
