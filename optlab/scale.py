"""One switch between what a laptop bears and the published protocol."""

import os

SCALES = ("lesson", "full")


def at_scale(lesson, full):
    """Return the first of two values, or the second where ``OPTLAB_SCALE=full`` is set.

    Both stand side by side in the code, so that a reader sees what was cut.

    Parameters
    ----------
    lesson
        What a lesson takes by default: so many images, so many seeds.
    full
        What the published experiment took.

    Returns
    -------
    object
        One of the two, as it was given.

    Raises
    ------
    ValueError
        If ``OPTLAB_SCALE`` holds another word than "lesson" or "full".

    Examples
    --------
    >>> at_scale(2_000, full=60_000)
    2000
    """
    scale = os.environ.get("OPTLAB_SCALE") or "lesson"
    if scale not in SCALES:
        raise ValueError(
            f"OPTLAB_SCALE={scale!r}: set it to {' or '.join(map(repr, SCALES))}, or not at all."
        )
    return full if scale == "full" else lesson
