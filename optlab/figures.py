"""What every figure shares: its look, its caption, its alternative text, its PNG."""

import base64
import io
import os
import textwrap
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.font_manager import fontManager
from PIL import Image

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), safe for the colour-blind. Their
# yellow is left out: it vanishes on white. The order keeps neighbours apart in grey as well.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#000000", "#CC79A7", "#56B4E9", "#D55E00")
LINES = ("-", "--", "-.", ":", (0, (9, 2)), (0, (4, 1.5, 1, 1.5, 1, 1.5)), (0, (1, 3.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

# White, opaque paper: readable in a light and in a dark notebook alike.
STYLE = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "text.color": "#222222",
    "axes.labelcolor": "#222222",
    "axes.edgecolor": "#666666",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "font.size": 10.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "mathtext.default": "regular",
}
FONT = "DejaVu Sans"
SMALL = 10  # points; nothing is written smaller
WIDEST = 9.2  # inches: what is wider is shrunk by a page or a projector, and its letters with it
DPI = 110


@contextmanager
def house_style():
    """Draw from matplotlib's defaults and our style, whatever the user has set for other figures.

    Only the user's fonts count: they stand in for letters that ours lacks, as in Chinese names.
    """
    fonts = [FONT]
    for family in mpl.rcParams["font.family"]:
        names = mpl.rcParams.get(f"font.{family}", [family])  # "serif", say, stands for a list
        fonts += names if names != mpl.rcParamsDefault.get(f"font.{family}") else []
    installed = {font.name for font in fontManager.ttflist}
    with mpl.rc_context():
        mpl.rcdefaults()
        fonts = [name for name in dict.fromkeys(fonts) if name in installed]
        mpl.rcParams.update(STYLE | {"font.family": fonts})
        yield


@dataclass(frozen=True)
class Figure:
    """A drawn figure with words for those who do not see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The drawing itself, to be changed like any other matplotlib figure.
    alt : str
        What is drawn, with its numbers, for a screen reader.
    """

    figure: MatplotlibFigure
    alt: str

    def png(self) -> bytes:
        """Return the figure as the bytes of a PNG file."""
        drawn, small = io.BytesIO(), io.BytesIO()
        with house_style():
            self.figure.savefig(drawn, format="png", dpi=DPI, bbox_inches="tight")
        fewer_colors(Image.open(drawn)).save(small, format="png", optimize=True, dpi=(DPI, DPI))
        return small.getvalue()

    def save(self, path) -> Path:
        """Write the figure to a PNG file, whole or not at all, and return its path."""
        path = Path(path)
        write_atomically(path, self.png())
        return path

    def __repr__(self):
        return f"Figure: {self.alt}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": repr(self)}
        return data, {"image/png": {"alt": self.alt}}


def fewer_colors(picture):
    """Return a picture with a palette of 256 colours, which no eye tells from the original.

    A drawing has few colours, and a palette makes the notebooks three times smaller.
    """
    return picture.convert("RGB").quantize(
        256, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
    )


def new_figure(rows=1, columns=1, width=8.0, height=4.0, **subplots):
    """Make an empty figure in the house style, apart from any pyplot state.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : numpy.ndarray of matplotlib.axes.Axes, shape (rows, columns)
    """
    with house_style():
        figure = MatplotlibFigure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False, **subplots)
    return figure, axes


def finish(figure, caption, alt) -> Figure:
    """Put the caption under a drawing, wrapped to its width, and hand it over as a Figure."""
    with house_style():
        figure.supxlabel(
            wrap(caption, characters=int(figure.get_figwidth() * 12.6)),
            x=0.01, ha="left", fontsize=SMALL, color="#444444",
        )  # fmt: skip
    return Figure(figure, f"{alt} {caption}".strip())


def plain_log(axis):
    """Write plain numbers along a logarithmic axis: 0.5, 1, 2, 5, not powers of ten."""
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 300 * low else (1,)
    axis.set_major_locator(mpl.ticker.LogLocator(subs=subs))
    axis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(mpl.ticker.NullFormatter())


def wrap(text, characters):
    """Break a text into lines of at most so many characters."""
    return "\n".join(textwrap.wrap(text, characters, break_on_hyphens=False))


def number(value) -> str:
    """Write a number as a person would: three significant digits, no trailing zeros."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "not a number"
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else f"{value}"


def kind(value) -> str:
    """Name the type of a value with its module, and what a list holds: "list[optlab.runs.Runs]"."""
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{name}[{kind(value[0])}]" if isinstance(value, (list, tuple)) and value else name


def write_atomically(path, content: bytes) -> None:
    """Write a file whole or not at all: into a neighbour first, then renamed in one act."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
