"""The numbers of runs in one file."""

import io
import json
from pathlib import Path

import numpy as np

from .figures import write_atomically


def write_runs(runs, path):
    """Write all numbers to one ``.npz`` file, whole or not at all, and return its path."""
    about = {
        name: getattr(runs, name)
        for name in (
            "settings", "seeds", "updates_per_look", "updates_per_epoch", "data", "fixed",
            "engine", "seconds",
        )
    }  # fmt: skip
    arrays = {f"metric:{k}": v for k, v in runs.metrics.items()}
    arrays |= {f"test:{k}": v for k, v in runs.test.items()}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, about=json.dumps(about, default=_plain), lengths=runs.lengths, **arrays
    )
    path = Path(path)
    write_atomically(path, buffer.getvalue())
    return path


def read_runs(path):
    """Return what `write_runs` wrote, as the arguments of `Runs`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        lengths = arrays.pop("lengths")
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is damaged or no file of runs ({error}): save the runs again."
        ) from None
    about["settings"] = [
        {k: tuple(v) if isinstance(v, list) else v for k, v in s.items()} for s in about["settings"]
    ]
    parts = {"metric": {}, "test": {}}
    for name, values in arrays.items():
        kind, _, metric = name.partition(":")
        parts[kind][metric] = values
    return about | {"metrics": parts["metric"], "test": parts["test"], "lengths": lengths}


def _plain(value):
    """Turn what JSON does not know (numpy's numbers) into what it knows."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} cannot be saved: give it a name in settings.")
