"""Playgrounds: sliders that redraw a descent, or train the blob model again, at once."""

import base64
import html
import io
from dataclasses import replace
from numbers import Real

import ipywidgets as widgets
import keras
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from . import schedules
from .claims import claim
from .data import load_blobs
from .figures import COLORS, finish, house_style, number
from .models import blobs_mlp
from .paths import draw_surface, plot_paths, shown
from .plots import plot_learning_curves
from .surfaces import descend, ravine
from .sweep import sweep

RATES = [float(f"{m}e{e}") for e in range(-4, 1) for m in (1, 2, 3, 5)] + [10.0]
RULES = {  # what the student chooses: the rule, and whether the momentum slider is its own
    "SGD": ("momentum", True),
    "SGD with Nesterov momentum": ("nesterov", True),
    "Adagrad": ("adagrad", False),
    "Adadelta": ("adadelta", False),
    "RMSprop": ("rmsprop", True),
    "Adam": ("adam", False),
    "Adamax": ("adamax", False),
    "Nadam": ("nadam", False),
}
WITHOUT_CONTROLS = "A still: the controls need a running kernel, and a page that shows widgets."


class _Playground:
    """Controls, a picture and a line of text, that follow each other."""

    def __init__(self, controls):
        self.controls = controls
        self._quiet = False
        self.view = widgets.HTML()
        for control in controls.values():
            control.style.description_width = "8em"
            control.layout.width = "32em"
            control.observe(self._moved, names="value")
        self.widget = widgets.VBox([*controls.values(), self.view])

    def set(self, **values):
        """Move controls, as a hand would, and redraw once.

        Parameters
        ----------
        **values
            The new value of each control, by its name in `controls`.

        Raises
        ------
        ValueError
            If there is no such control, or it does not offer that value. Nothing has moved then.
        """
        for name in values:
            if name not in self.controls:
                raise ValueError(
                    f"There is no control {name!r}: there are {', '.join(self.controls)}."
                )
        before, self._quiet = self._values(), True
        try:
            for name, value in values.items():
                self._move(name, value)
        except ValueError:
            for name, value in before.items():
                self.controls[name].value = value
            raise
        finally:
            self._quiet = False
        self.redraw()

    def _move(self, name, value):
        control = self.controls[name]
        if hasattr(control, "options"):
            offers = [o[1] if isinstance(o, tuple) else o for o in control.options]
            if value not in offers:
                raise ValueError(f"{name}={value!r}: give one of {offers}.")
        elif not (isinstance(value, Real) and control.min <= value <= control.max):
            raise ValueError(
                f"{name}={value!r}: give a number from {control.min:g} to {control.max:g}."
            )
        control.value = value

    def _moved(self, change):
        if not self._quiet:
            self.redraw()

    def _values(self):
        return {name: control.value for name, control in self.controls.items()}

    def _repr_mimebundle_(self, include=None, exclude=None):
        """Return the controls, and for pages that cannot show them a still that says so."""
        still = self.still()
        caption = " ".join(still.figure.get_supxlabel().split())
        finish(still.figure, f"{caption} {WITHOUT_CONTROLS}", "")
        still = replace(still, alt=f"{still.alt} {WITHOUT_CONTROLS}")
        # written out, since ipywidgets 7, which Colab has, offers no bundle
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        data, metadata = still._repr_mimebundle_()
        return {"application/vnd.jupyter.widget-view+json": view} | data, metadata


class DescentPlayground(_Playground):
    """Sliders for the optimizer, its rate, its momentum and the start of a descent.

    Displayed in a notebook it redraws the path at each move. Without a live kernel it is a
    still of the path it starts with.

    Parameters
    ----------
    surface : Surface, optional
        Of two dimensions; a ravine by default.
    steps : int, default 60
        How many updates the path takes.
    optimizer : str, default "SGD"
        One of the names that the menu offers.
    learning_rate : float, default 0.03
        One of 0.0001, 0.0002, 0.0003, 0.0005, ... 10.
    momentum : float, default 0.0
        From 0 to 0.99. Only SGD, its Nesterov form and RMSprop use it.
    start : (float, float), optional
        By default near the upper left corner.

    Raises
    ------
    ValueError
        If a control does not offer a value, or the surface is a curve.

    Attributes
    ----------
    controls : dict of str to ipywidgets widget
        By name: optimizer, learning_rate, momentum, x, y.
    widget : ipywidgets.VBox
        What is displayed.
    path : numpy.ndarray of float64, shape (steps + 1, 2)
        The path that is drawn.

    Examples
    --------
    >>> playground = DescentPlayground(steps=30)
    >>> playground.set(learning_rate=0.05)
    >>> playground.path.shape
    (31, 2)
    """

    def __init__(self, surface=None, steps=60, optimizer="SGD", learning_rate=0.03, momentum=0.0,
                 start=None):  # fmt: skip
        self.surface = ravine() if surface is None else surface
        if self.surface.dimensions != 2:
            raise ValueError(f"{self.surface.name} is a curve: give a surface, such as ravine().")
        self.steps = steps
        (left, right), (bottom, top) = self.surface.domain
        if start is None:
            start = left + 0.1 * (right - left), bottom + 0.8 * (top - bottom)
        axis = {"step": 0.1, "readout_format": ".1f"}
        super().__init__({
            "optimizer": widgets.Dropdown(options=list(RULES), description="optimizer"),
            "learning_rate": _rates(),
            "momentum": widgets.FloatSlider(min=0, max=0.99, step=0.01, description="momentum"),
            "x": widgets.FloatSlider(min=left, max=right, description="start, x", **axis),
            "y": widgets.FloatSlider(min=bottom, max=top, description="start, y", **axis),
        })  # fmt: skip
        self._canvas = None
        self.set(
            optimizer=optimizer, learning_rate=learning_rate, momentum=momentum,
            x=float(start[0]), y=float(start[1]),
        )  # fmt: skip

    def redraw(self):
        """Draw the path anew from what the controls say."""
        now = self._values()
        rule, uses_momentum = RULES[now["optimizer"]]
        self.controls["momentum"].disabled = not uses_momentum
        numbers = {"learning_rate": now["learning_rate"]}
        numbers |= {"momentum": now["momentum"]} if uses_momentum else {}
        self.path = descend(self.surface, rule, (now["x"], now["y"]), self.steps, **numbers)
        words = self._words()
        self.view.value = f'{_image(self._draw(), words)}<p aria-live="polite">{words}</p>'

    def still(self):
        """Return the present path as a Figure."""
        return plot_paths(self.surface, {self._title(): self.path})

    def _title(self):
        now = self._values()
        momentum = f", momentum {now['momentum']:g}" if RULES[now["optimizer"]][1] else ""
        return f"{now['optimizer']}, learning rate {now['learning_rate']:g}{momentum}"

    def _words(self):
        distance = self.surface.distance(self.path)
        end = f"ends {number(float(distance[-1]))} away from the minimum"
        if not np.isfinite(distance[-1]) or distance[-1] > 100 * max(distance[0], 1):
            end = "diverges"
        return f"{self._title()}: after {self.steps} steps the path {end}."

    def _draw(self):
        """Return the picture as PNG bytes; only the path is drawn anew."""
        if self._canvas is None:
            with house_style():
                figure = MatplotlibFigure(figsize=(6.4, 4.2), dpi=100, layout="constrained")
                ax = figure.subplots()
                draw_surface(ax, self.surface)
                ax.set_xlabel("x")
                ax.set_ylabel("y")
                canvas = FigureCanvasAgg(figure)
                canvas.draw()
                self._canvas = canvas, canvas.copy_from_bbox(figure.bbox), ax
                (self._line,) = ax.plot([], [], color=COLORS[0], lw=1.6, marker=".", ms=5)
                (self._start,) = ax.plot([], [], color="black", marker="s", ms=8)
                (self._end,) = ax.plot([], [], color=COLORS[0], marker="o", ms=9, mec="white")
        canvas, background, ax = self._canvas
        canvas.restore_region(background)
        points = shown(self.surface, self.path)
        for artist, drawn in (
            (self._line, points), (self._start, points[:1]), (self._end, points[-1:]),
        ):  # fmt: skip
            artist.set_data(*drawn.T)
            ax.draw_artist(artist)
        drawn = io.BytesIO()
        Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(
            drawn, format="png", compress_level=1
        )
        return drawn.getvalue()


class TrainingPlayground(_Playground):
    """Sliders that train the blob model again from many seeds, and judge the change.

    Displayed in a notebook it shows the learning curves of the last two choices side by side,
    and one claim about them. Without a live kernel it is a still of the first choice.

    Parameters
    ----------
    data : Dataset, optional
        `load_blobs()` by default.
    epochs : int, default 64
    seeds : int, default 20
    margin : float, default 0.01
        How much the final validation accuracy has to rise for the claim, as a fraction.

    Attributes
    ----------
    controls : dict of str to ipywidgets widget
        By name: optimizer, learning_rate, batch_size, momentum, schedule.
    widget : ipywidgets.VBox
        What is displayed.
    runs, before : Runs
        What was trained for the present choice and for the one before it (None at first).
    verdict : Claim
        What is said of the change (None at first).

    Raises
    ------
    ValueError
        If epochs or seeds are not what `sweep` accepts, or the margin is no share.

    Examples
    --------
    >>> playground = TrainingPlayground(epochs=2, seeds=5)
    >>> playground.set(learning_rate=0.0001)
    >>> playground.verdict.verdict in ("supported", "contradicted", "undecided")
    True
    """

    OPTIMIZERS = {
        "SGD": keras.optimizers.SGD,
        "Adagrad": keras.optimizers.Adagrad,
        "RMSprop": keras.optimizers.RMSprop,
        "Adam": keras.optimizers.Adam,
    }
    SCHEDULES = {
        "constant": lambda rate, steps: schedules.constant(rate),
        "cosine to 0": lambda rate, steps: schedules.cosine(rate, steps, per="update"),
        "exponential to 1/100": lambda rate, steps: schedules.exponential(
            rate, np.log(100) / steps, per="update"
        ),
        "warm-up, then cosine": lambda rate, steps: schedules.warmup_cosine(
            rate, max(1, steps // 10), steps, per="update"
        ),
    }

    def __init__(self, data=None, epochs=64, seeds=20, margin=0.01):
        if isinstance(margin, bool) or not isinstance(margin, (int, float)) or not 0 <= margin < 1:
            raise ValueError(
                f"margin={margin!r}: give a difference of accuracies from 0 to 1, such as 0.01 for "
                "one percentage point."
            )
        self.data = load_blobs() if data is None else data
        self.epochs, self.seeds, self.margin = epochs, seeds, margin
        self.runs = self.before = self.verdict = self.title = None
        n = len(self.data.x_train)
        sizes = [*(size for size in (16, 32, 64, 128, 256) if size < n), n]
        super().__init__({
            "optimizer": widgets.Dropdown(options=list(self.OPTIMIZERS), description="optimizer"),
            "learning_rate": _rates(continuous_update=False),
            "batch_size": widgets.SelectionSlider(
                options=sizes, value=sizes[max(0, len(sizes) - 2)],
                description="batch size", continuous_update=False,
            ),
            "momentum": widgets.SelectionSlider(
                options=[0.0, 0.5, 0.9, 0.99], value=0.9, description="momentum",
                continuous_update=False,
            ),
            "schedule": widgets.Dropdown(options=list(self.SCHEDULES), description="schedule"),
        })  # fmt: skip
        self.redraw()

    def redraw(self):
        """Train for what the controls say, and judge the change."""
        now = self._values()
        self.controls["momentum"].disabled = now["optimizer"] != "SGD"
        numbers = {"momentum": now["momentum"]} if now["optimizer"] == "SGD" else {}
        steps = self.epochs * -(-len(self.data.x_train) // now["batch_size"])
        runs = sweep(
            blobs_mlp, self.data, epochs=self.epochs, seeds=self.seeds,
            optimizer=lambda: self.OPTIMIZERS[now["optimizer"]](**numbers),
            schedule=self.SCHEDULES[now["schedule"]](now["learning_rate"], steps),
            batch_size=now["batch_size"],
        )  # fmt: skip
        self.before, self.runs = self.runs, runs
        self.title_before, self.title = self.title, self._title(now)
        pictures = [("now", self.title, self.runs)]
        words = "Move a control: the two settings are then compared, seed by seed."
        if self.before is not None:
            pictures.insert(0, ("before", self.title_before, self.before))
            self.verdict = claim(
                f"{self.title} ends with a validation accuracy at least {self.margin:g} above "
                f"that of {self.title_before}",
                runs.final("val_accuracy") - self.before.final("val_accuracy"),
                at_least=self.margin,
            )
            # what is expected is the student's own affair: no verdict is a wrong one here
            self.verdict = replace(self.verdict, expected=self.verdict.verdict)
            words = repr(self.verdict).replace("\n", " ")
        self.view.value = (
            '<div style="display:flex;flex-wrap:wrap">'
            + "".join(self._panel(*picture) for picture in pictures)
            + f'</div><p aria-live="polite">{html.escape(words)}</p>'
        )

    def still(self):
        """Return the present choice's learning curves as a Figure."""
        return self._curves(self.runs)

    def _title(self, now):
        momentum = f" and momentum {now['momentum']:g}" if now["optimizer"] == "SGD" else ""
        return (
            f"{now['optimizer']} at {now['learning_rate']:g} ({now['schedule']}), batch size "
            f"{now['batch_size']}{momentum}"
        )

    def _curves(self, runs):
        # the same range for all that may ever be compared
        return plot_learning_curves(runs, ("val_accuracy", "accuracy"), ylim=(0.2, 0.9))

    def _panel(self, when, title, runs):
        figure = self._curves(runs)
        return (
            '<div style="flex:1 1 24em;max-width:44em"><b>'
            f"{when}: {html.escape(title)}</b>{_image(figure.png(), figure.alt)}</div>"
        )


def _rates(**options):
    """Return a slider over learning rates at equal factors."""
    return widgets.SelectionSlider(
        options=[(f"{rate:g}", rate) for rate in RATES], value=0.01,
        description="learning rate", **options,
    )  # fmt: skip


def _image(png, alt):
    """Return a picture for a page, with words for those who do not see it."""
    data = base64.b64encode(png).decode()
    return (
        f'<img style="max-width:100%" alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'
    )
