"""One look for the whole series: the style of hand-made figures, and what a name looks like."""

import re
from contextlib import contextmanager
from numbers import Real

import matplotlib as mpl

from .figures import COLORS, house_style

BLUE, ORANGE, GREEN, BLACK, PINK, SKY, VERMILION = COLORS
# Colour, line, marker. Any two differ in dashes or clearly in lightness, so that they can be told
# apart in grey; the first seven differ in colour as well, and serve names that nobody knows.
LOOKS = (
    (BLUE, "-", "o"),
    (ORANGE, "--", "s"),
    (GREEN, "-.", "^"),
    (BLACK, "-", "D"),
    (PINK, (0, (9, 2)), "*"),
    (SKY, (0, (4, 1.5, 1, 1.5, 1, 1.5)), "P"),
    (VERMILION, ":", "X"),
    (PINK, "-", "d"),
    (SKY, ":", ">"),
    (VERMILION, "--", "p"),
)
MOST_TOGETHER = 7  # lines that can still be told apart in one panel
# What is compared in one panel has seven colours. The plain one of a comparison is black.
OPTIMIZERS = {
    "sgd": 3, "plain": 3, "momentum": 9, "nesterov": 5, "rmsprop": 1, "adagrad": 2, "adadelta": 4,
    "adam": 0, "adamax": 8, "nadam": 7, "adamw": 6,
}  # fmt: skip
SCHEDULES = {
    "constant": 3, "constant rate": 3, "no decay": 3, "time based": 6, "step": 1, "drop based": 1,
    "exponential": 2, "cosine": 4, "warm up cosine": 5, "warmup cosine": 5, "one cycle": 0,
}  # fmt: skip
# Learning rates and decays, then momentum, then batch sizes.
NUMBERS = {
    0: 3, 1: 3, 0.3: 5, 0.1: 1, 0.03: 4, 0.01: 0, 1e-3: 2, 1e-4: 4, 1e-5: 5, 1e-6: 6, 1e-7: 7,
    0.5: 1, 0.8: 2, 0.9: 0, 0.95: 5, 0.99: 4,
    5: 1, 8: 1, 10: 8, 16: 5, 32: 0, 64: 2, 128: 4, 256: 6, 500: 3, 512: 3,
}  # fmt: skip
ROLES = {
    "training": {"color": "#777777", "linestyle": "--"},
    "one run": {"color": VERMILION, "linestyle": "-", "linewidth": 1.0},
    "each run": {"color": "#999999", "linestyle": "-", "linewidth": 0.7},
}
_KNOWN = OPTIMIZERS | SCHEDULES | {f"{number:g}": look for number, look in NUMBERS.items()}
_NUMBERED = re.compile(r"(?:learning rate|rate|batch size|batch|momentum|decay) ([-+.e\d]+)")


@contextmanager
def figure_style():
    """Draw a figure by hand in the look of the others, whatever matplotlib is set to elsewhere.

    Inside, figures are laid out so that no label is cut off, and what is drawn without a look of
    its own gets the looks of the series in turn. Settings are restored at the end.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import optlab as ol
    >>> with ol.figure_style():
    ...     figure, ax = plt.subplots(figsize=(7, 3.5))
    ...     _ = ax.plot([1, 2, 3], [0.5, 0.7, 0.8], **ol.look_of("Adam"))
    >>> plt.close(figure)
    >>> ol.Figure(figure, "Accuracy of Adam over three epochs.")
    Figure: Accuracy of Adam over three epochs.
    """
    with house_style():
        colors, lines, _ = zip(*LOOKS[:MOST_TOGETHER], strict=True)
        mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=colors, linestyle=lines)
        mpl.rcParams["figure.constrained_layout.use"] = True
        yield


def look_of(name, among=None) -> dict:
    """Return how a name is drawn in every figure of the series, for matplotlib.

    Parameters
    ----------
    name : str or float
        An optimizer or a schedule, such as "Adam" or "one-cycle"; a learning rate, a momentum or a
        batch size, as a number or as in "batch size 32"; or what a line stands for: "training",
        "one run" or "each run". What follows a comma does not count, as in "Adam, rate 0.3".
    among : sequence, optional
        All names that are drawn together, `name` among them, so that each gets a look of its own:
        names that are not known, and those that would look alike, take what remains, in order.

    Returns
    -------
    dict
        ``color``, ``linestyle``, ``marker`` and ``markevery`` (which spaces the markers out along a
        curve), for ``ax.plot``. What a line stands for has no marker.

    Raises
    ------
    ValueError
        If `name` is not `among` those drawn together, or these are too many.

    Examples
    --------
    >>> look = look_of("Adam")
    >>> look["color"], look["linestyle"], look["marker"]
    ('#0072B2', '-', 'o')
    >>> look_of("adam, rate 0.3") == look
    True
    >>> look_of("my own", among=["Adam", "my own"])["linestyle"]
    '--'
    """
    if isinstance(name, str) and name in ROLES:
        return dict(ROLES[name])
    names = [name] if among is None else list(among)
    if name not in names:
        raise ValueError(f"name={name!r} is not among {names}: name one that is drawn.")
    return looks_of(names)[names.index(name)]


def looks_of(names) -> list:
    """Return the looks of names that are drawn together, as `look_of` does, in their order."""
    keys = [_key(name) for name in names]
    if len(keys) > len(LOOKS):
        raise ValueError(
            f"{len(keys)} names drawn together cannot be told apart: give at most {len(LOOKS)}."
        )
    bases = [key.split(",")[0] for key in keys]
    taken = {}
    for i, key in enumerate(keys):  # a name with an addition only where its base is there once
        base = bases[i] if key not in keys[:i] and bases.count(bases[i]) == 1 else key
        if base in _KNOWN and _KNOWN[base] not in taken.values():
            taken[i] = _KNOWN[base]
    free = iter([k for k in range(len(LOOKS)) if k not in taken.values()])
    places = [taken[i] if i in taken else next(free) for i in range(len(keys))]
    return [
        {"color": LOOKS[k][0], "linestyle": LOOKS[k][1], "marker": LOOKS[k][2],
         "markevery": (0.01 + 0.013 * k, 0.14)}
        for k in places
    ]  # fmt: skip


def looks_of_runs(runs) -> list:
    """Return the looks of the settings of runs: by the one name that tells them apart, if any."""
    for name in sorted(runs.names, key=lambda name: isinstance(runs.settings[0][name], Real)):
        values = [setting[name] for setting in runs.settings]
        if len({*map(_key, values)}) == len(values):
            return looks_of(values)
    return looks_of(runs.labels())


def _key(name):
    """Return what of a name counts."""
    if isinstance(name, Real) and not isinstance(name, bool):
        return f"{name:g}"
    text = re.sub(r"[-_\s]+", " ", str(getattr(name, "__name__", name)).lower()).strip()
    # the signs of a number stay
    number = _NUMBERED.fullmatch(re.sub(r"[_\s]+", " ", str(name).lower()).strip())
    try:
        return f"{float(number[1] if number else name):g}"
    except (TypeError, ValueError):
        return text
