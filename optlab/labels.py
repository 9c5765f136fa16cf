"""What values of settings are called: in tables, in figures, and by whom they are asked for."""

import math
from difflib import get_close_matches
from numbers import Real

import numpy as np
import pandas as pd

MEASURED = ["mean", "sd", "low", "high"]  # what a summary shows to four digits


class Table(pd.DataFrame):
    """A table that shows the numbers of settings as figures do: pandas shows 1e-07 as 0.0."""

    @property
    def _constructor(self):
        return Table

    def _shown(self):
        def write(column):
            same = column.name in MEASURED or pd.api.types.is_integer_dtype(column)
            return column if same else column.map(text_of)

        return pd.DataFrame(self).apply(write)

    def __repr__(self):
        return repr(self._shown())

    def _repr_html_(self):
        return self._shown()._repr_html_()


def text_of(value):
    """Return a value as tables and figures show it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_number(value):
    """Return whether a value is a number, which True is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def as_label(value):
    """Return a value as `sweep` labels it."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if isinstance(value, (list, np.ndarray)):
        return tuple(map(as_label, value))
    return getattr(value, "__name__", value)


def meant(known, value):
    """Return the known values that are meant by one: the equal, or those shown alike."""
    value = as_label(value)
    return [k for k in known if as_label(k) == value] or [
        k for k in known if _shown_alike(as_label(k), value)
    ]


def _shown_alike(known, asked):
    """Return whether a value is asked for as it is shown, that is with six digits, or as text."""
    if is_number(known) and is_number(asked):
        return math.isclose(known, asked, rel_tol=5.1e-6)
    return isinstance(asked, str) and text_of(known) == asked


def unknown(kind, name, known):
    """Return the sentence that refuses a name and points to the nearest known one."""
    near = get_close_matches(str(name), [str(k) for k in known], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(map(str, known)) or "none"
    return f"There is no {kind} {name!r}: known here: {listed}.{hint}"
