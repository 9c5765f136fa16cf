"""A student's guesses: noted before a run, shown beside what came, counted at the end."""

import html
import re

_ANSWERS = {"yes": ("supported", "true"), "no": ("contradicted", "false"), "close": ("undecided",)}
_guesses = {}  # label: answer
_verdicts = {}  # label: (sentence, verdict), of this session


class _Said(str):
    """Words that a notebook shows without quotation marks."""

    def __repr__(self):
        return str(self)


def guess(label, answer="?"):
    """Note what you expect of a claim before you run the experiment.

    Parameters
    ----------
    label : str
        The claim's lesson and number, such as ``"5.3"``.
    answer : {"yes", "no", "close", "?"}, default "?"
        Whether the claim will be supported ("yes"), contradicted ("no"), or too close to call.
        A question mark is no guess.

    Returns
    -------
    str
        What was noted. A guess after the run is not: it would be none.

    Raises
    ------
    ValueError
        If the label is no label, or the answer none of these.

    Examples
    --------
    >>> guess("5.3", "yes")
    Your guess on claim 5.3: yes. Now run the experiment.
    >>> guess("5.3", "?")
    What do you expect of claim 5.3? Write "yes", "no" or "close" and run this cell again.
    """
    if not (isinstance(label, str) and re.fullmatch(r"[a-z]?\d+\.\d+[a-z]?", label)):
        raise ValueError(f'label={label!r}: give lesson and number, such as "5.3".')
    if answer != "?" and answer not in tuple(_ANSWERS):
        raise ValueError(f'answer={answer!r}: give "yes", "no" or "close".')
    if label in _verdicts:
        verdict = _verdicts[label][1]
        kept = f"your guess stays {_guesses[label]}" if label in _guesses else "a guess is too late"
        return _Said(f"Claim {label} is judged already ({verdict}): {kept}.")
    if answer == "?":
        _guesses.pop(label, None)
        return _Said(
            f'What do you expect of claim {label}? Write "yes", "no" or "close" and run this cell '
            "again."
        )
    _guesses[label] = answer
    return _Said(f"Your guess on claim {label}: {answer}. Now run the experiment.")


def came(label, sentence, verdict):
    """Note what a claim came to, for `score`."""
    if label:
        _verdicts[label] = (sentence, verdict)


def guessed(label):
    """Return the guess on a claim, or None."""
    return _guesses.get(label)


def foreseen(answer, verdict):
    """Return whether a guess is what came."""
    return verdict in _ANSWERS[answer]


class Score:
    """What was guessed, what came, and which claims surprised."""

    def __init__(self, rows):
        self.rows = rows  # (label, sentence, guess, verdict)

    @property
    def right(self):
        """How many guesses came true."""
        return sum(foreseen(answer, verdict) for _, _, answer, verdict in self.rows)

    def _words(self):
        if not self.rows:
            return "No guess was noted before its claim was judged: next time, guess first."
        surprises = [row[0] for row in self.rows if not foreseen(row[2], row[3])]
        said = f"You foresaw {self.right} of {len(self.rows)}."
        return f"{said} Surprises: claim {', '.join(surprises)}." if surprises else said

    def __repr__(self):
        rows = [f"{label:>6}  you: {answer:5}  came: {verdict:12}  {sentence}"
                for label, sentence, answer, verdict in self.rows]  # fmt: skip
        return "\n".join([*rows, self._words()])

    def _repr_html_(self):
        rows = "".join(
            f"<tr><td>{label}</td><td>{html.escape(sentence)}</td><td>{answer}</td>"
            f"<td>{verdict}</td><td>{'✓' if foreseen(answer, verdict) else '✗ surprise'}</td></tr>"
            for label, sentence, answer, verdict in self.rows
        )
        head = "<tr><th>claim</th><th></th><th>your guess</th><th>what came</th><th></th></tr>"
        return (f"<table>{head}{rows}</table>" if rows else "") + f"<p>{self._words()}</p>"


def score():
    """Return what you guessed in this session beside what came.

    Returns
    -------
    Score
        One row for each guess whose claim was judged since; shown as a table.

    Examples
    --------
    >>> score()  # doctest: +SKIP
       5.3  you: yes    came: contradicted  Rate 1 ends above rate 0.1
    You foresaw 0 of 1. Surprises: claim 5.3.
    """
    return Score([
        (label, *_verdicts[label][:1], answer, _verdicts[label][1])
        for label, answer in _guesses.items() if label in _verdicts
    ])  # fmt: skip
