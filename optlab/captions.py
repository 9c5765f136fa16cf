"""The words of the figures of runs: names of metrics, captions, what a setting ends with."""

from .figures import kind, number
from .runs import Runs
from .summaries import quartiles

NAMES = {
    "loss": "training loss",
    "accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
    "learning_rate": "learning rate",
    "test_loss": "test loss",
    "test_accuracy": "test accuracy",
}


def check_runs(runs):
    """Refuse what is no Runs."""
    if not isinstance(runs, Runs):
        raise TypeError(
            f"runs is of type {kind(runs)}: give the Runs of one sweep; what is to be compared "
            'goes into its settings, such as settings={"learning_rate": [0.1, 0.01]}.'
        )


def name_of(metric) -> str:
    """Return a metric in words."""
    return NAMES.get(metric, metric.replace("_", " "))


def axis_name(metric) -> str:
    """Return what an axis measures, whichever samples it is measured on."""
    return NAMES.get(metric, metric).split()[-1] if metric != "learning_rate" else "learning rate"


def many(count, name) -> str:
    """Return a number with its noun: "1 panel", "2 panels"."""
    return f"{count} {name}" + "s" * (count != 1)


def titles(runs) -> list:
    """Return the titles of one panel per setting."""
    if len(runs.names) != 1:
        return [label.replace("_", " ") for label in runs.labels()]
    name = runs.names[0].replace("_", " ")
    return [f"{name} {label}" if not isinstance(s[runs.names[0]], str) else label
            for label, s in zip(runs.labels(), runs.settings, strict=True)]  # fmt: skip


def over_seeds(runs) -> str:
    """Return over how many seeds something is drawn."""
    return f"{len(runs.seeds)} seeds" if len(runs.seeds) > 1 else "one seed"


def caption(runs, drawn="Line: median; band: middle half") -> str:
    """Return what a figure shows, of how many seeds, on which data, and what was held fixed."""
    fixed = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in runs.fixed.items()
        if name in ("optimizer", "schedule", "batch_size", "epochs", "updates")
        and value != "a function"  # of the settings, which the panels name
    )
    about = f"{drawn} of {over_seeds(runs)}. Data: {runs.data}."
    return about + (f" Held fixed: {fixed}." if fixed else "")


def ends(runs, metric) -> str:
    """Say in words what each setting ends with."""
    parts = []
    for label, setting in zip(runs.labels(), runs.settings, strict=True):
        low, middle, high = quartiles(runs.final(metric, **setting)[:, None])[:, 0]
        parts.append(f"{label or 'the only setting'}: {number(middle)} "
                     f"({number(low)} to {number(high)})")  # fmt: skip
    return f"Last {name_of(metric)}, median (middle half): " + "; ".join(parts) + "."
