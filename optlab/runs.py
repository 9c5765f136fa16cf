"""What a sweep yields: every metric of every run, and what one asks of it."""

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from .intervals import interval
from .labels import MEASURED, Table, as_label, is_number, meant, text_of, unknown
from .stored import read_runs, write_runs


@dataclass(frozen=True, eq=False)
class Runs:
    """Settings x seeds, trained: made by `sweep`, read by claims and figures.

    ``runs["val_accuracy"]`` is an array of shape (settings, seeds, epochs), NaN after a run's
    last epoch and where a run diverged.

    Parameters
    ----------
    settings : list of dict
        The settings in order, each with the names that label it.
    seeds : list of int
    metrics : dict of str to numpy.ndarray
        "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", each of shape
        (settings, seeds, epochs). Under a budget of updates the last axis counts looks.
    lengths : numpy.ndarray of int, shape (settings, seeds)
        How many epochs (or looks) each run trained.
    updates_per_look, updates_per_epoch : list of int
        For each setting. A look is an epoch unless the sweep had a budget of updates.
    test : dict of str to numpy.ndarray, shape (settings, seeds)
        "test_loss" and "test_accuracy" if the sweep was asked for them.
    data : str
        Name of the data, which every figure and summary shows.
    fixed : dict
        What all settings had in common, for captions.
    engine : str
    seconds : float
        What the sweep took on this machine.
    trained : list of optlab.trained.Trained
        For each setting the weights of its runs, if the sweep was told to keep them.
    """

    settings: list
    seeds: list
    metrics: dict
    lengths: np.ndarray
    updates_per_look: list
    updates_per_epoch: list
    test: dict = field(default_factory=dict)
    data: str = ""
    fixed: dict = field(default_factory=dict)
    engine: str = ""
    seconds: float = float("nan")
    trained: list = field(default_factory=list, repr=False)

    def __getitem__(self, metric) -> np.ndarray:
        if metric not in self.metrics:
            raise KeyError(unknown("metric", metric, [*self.metrics]))
        return self.metrics[metric]

    def __repr__(self):
        return (
            f"Runs on {self.data}: {len(self.settings)} settings x {len(self.seeds)} seeds, "
            f"{self.lengths.max()} {self.look_name}s, {self.engine} engine, {self.seconds:.1f} s"
        )

    @property
    def names(self) -> list:
        """The names of what varies."""
        return list(self.settings[0])

    @property
    def look_name(self) -> str:
        """What the last axis counts: "epoch", or "look" under a budget of updates."""
        return "epoch" if self.updates_per_look == self.updates_per_epoch else "look"

    def updates(self) -> np.ndarray:
        """Return the updates done at each look, an integer array (settings, epochs)."""
        looks = np.arange(1, self["loss"].shape[2] + 1)
        return np.outer(self.updates_per_look, looks)

    def labels(self) -> list:
        """Return a short text for each setting, as figures show it."""
        if len(self.names) == 1:
            return [text_of(*setting.values()) for setting in self.settings]
        return [
            ", ".join(f"{name} {text_of(value)}" for name, value in setting.items())
            for setting in self.settings
        ] or [""]

    @property
    def history(self) -> pd.DataFrame:
        """Every number as a tidy table: one row a setting, seed and epoch.

        Where a setting has the name of a running value, as "learning_rate" may, it keeps the
        name, and the running value stands in a column of its own, "learning_rate now".
        """
        looks = np.arange(1, self["loss"].shape[2] + 1)
        frames = []
        for i, setting in enumerate(self.settings):
            for j, seed in enumerate(self.seeds):
                n = self.lengths[i, j]
                updates = looks[:n] * self.updates_per_look[i]
                frame = pd.DataFrame({k: [v] * n for k, v in {**setting, "seed": seed}.items()})
                frame["epoch"] = (
                    looks[:n] if self.look_name == "epoch" else updates / self.updates_per_epoch[i]
                )
                running = {metric: values[i, j, :n] for metric, values in self.metrics.items()}
                for name, values in (running | {"updates": updates}).items():
                    frame[f"{name} now" if name in setting else name] = values
                frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def index(self, **setting) -> int:
        """Return the position of the one setting that matches.

        A number need only be as exact as it is shown: 0.3 finds 0.30000000000000004.

        Raises
        ------
        ValueError
            If none or several match; the message lists them.
        """
        meant = {name: self._meant(name, value) for name, value in setting.items()}
        found = [i for i, s in enumerate(self.settings) if all(s[k] in v for k, v in meant.items())]
        if len(found) == 1:
            return found[0]
        asked = ", ".join(f"{k}={v!r}" for k, v in setting.items()) or "no setting named"
        listed = "; ".join(self.labels()[i] for i in found) or "; ".join(self.labels())
        raise ValueError(f"{asked} matches {len(found)} settings; name exactly one of: {listed}.")

    def _meant(self, name, value):
        """Return the values of a setting that are meant by one: the equal, or those shown alike."""
        if name not in self.names:
            raise ValueError(unknown("setting", name, self.names))
        return meant([*dict.fromkeys(s[name] for s in self.settings)], value)

    def select(self, **setting) -> "Runs":
        """Return the runs of some settings only.

        Parameters
        ----------
        **setting
            For a name, the value to keep, or a list or array of values (a tuple is one value).

        Raises
        ------
        ValueError
            If a name is unknown or nothing is left.

        Examples
        --------
        ``runs.select(batch_size=[5, 500])`` keeps two of the eight panels.
        """
        wanted = {}
        for name, value in setting.items():
            several = isinstance(value, (list, set, range)) or np.ndim(value) == 1
            wanted[name] = []
            for one in [value] if isinstance(value, tuple) or not several else value:
                if not (meant := self._meant(name, one)):
                    known = dict.fromkeys(s[name] for s in self.settings)
                    raise ValueError(
                        f"No setting has {name}={as_label(one)!r}: choose from "
                        f"{', '.join(map(text_of, known))}."
                    )
                wanted[name] += meant
        keep = [i for i, s in enumerate(self.settings) if all(s[k] in v for k, v in wanted.items())]
        if not keep:
            raise ValueError(f"No setting has {setting} together: see runs.settings.")
        longest = max(1, self.lengths[keep].max())
        return replace(
            self,
            settings=[self.settings[i] for i in keep],
            metrics={k: v[keep][:, :, :longest] for k, v in self.metrics.items()},
            lengths=self.lengths[keep],
            updates_per_look=[self.updates_per_look[i] for i in keep],
            updates_per_epoch=[self.updates_per_epoch[i] for i in keep],
            test={k: v[keep] for k, v in self.test.items()},
            trained=[self.trained[i] for i in keep if self.trained],
        )

    def curves(self, metric, **setting) -> np.ndarray:
        """Return the curves of one setting, shape (seeds, epochs), NaN after a run's last epoch.

        Parameters
        ----------
        metric : str
            Such as "val_accuracy".
        **setting
            What picks one setting, such as ``learning_rate=0.01``.

        Raises
        ------
        ValueError
            If none or several settings match.
        KeyError
            If there is no such metric.

        Examples
        --------
        ``np.median(runs.curves("loss", batch_size=5), axis=0)`` is the median curve of one panel.
        """
        values, lengths = self._curves(metric, setting)
        return values[:, : max(1, lengths.max())]

    def weights(self, **setting) -> list:
        """Return the weights that the runs of one setting ended with.

        Returns
        -------
        list of numpy.ndarray, shape (seeds, ...)
            One array for each of `keras.Model.get_weights`; NaN where a run was interrupted. After
            `EarlyStopping` with ``restore_best_weights`` they are those of the best epoch.

        Raises
        ------
        ValueError
            If the weights were not kept, or none or several settings match.
        """
        return self._trained(setting).stacked(self.seeds)

    def model(self, *, seed, **setting):
        """Return a Keras model with the weights that one run ended with.

        Parameters
        ----------
        seed : int
            One of `seeds`.
        **setting
            What picks one setting, such as ``learning_rate=0.01``.

        Returns
        -------
        keras.Model
            Compiled: its optimizer is a fresh one, without the memory of the training.

        Raises
        ------
        ValueError
            If the weights were not kept, no run has this seed, or none or several settings match.

        Examples
        --------
        >>> import keras, optlab as ol
        >>> blobs = ol.load_blobs()
        >>> runs = ol.sweep(ol.blobs_mlp, blobs, optimizer=keras.optimizers.Adam, epochs=2,
        ...                 batch_size=250, seeds=3, keep_weights=True)  # doctest: +SKIP
        >>> model = runs.model(seed=1)  # doctest: +SKIP
        >>> loss, accuracy = model.evaluate(blobs.x_val, blobs.y_val)  # doctest: +SKIP
        >>> abs(accuracy - runs.final("val_accuracy")[1]) < 1e-6  # doctest: +SKIP
        True
        """
        return self._trained(setting).model(seed)

    def _trained(self, setting):
        i = self.index(**setting)
        if not self.trained:
            raise ValueError(
                "The weights of these runs were not kept: train them with "
                "sweep(..., keep_weights=True); a saved file never holds them."
            )
        return self.trained[i]

    def _curves(self, metric, setting):
        """Return one setting's curves (seeds, epochs) and the runs' lengths (seeds,)."""
        i = self.index(**setting)
        return self[metric][i], self.lengths[i]

    def final(self, metric, **setting) -> np.ndarray:
        """Return the value after each run's last epoch, shape (seeds,).

        Parameters
        ----------
        metric : str
            Such as "val_accuracy"; "test_accuracy" if the sweep was run with ``test=True``.
        **setting
            What picks one setting, such as ``learning_rate=0.01``.

        Raises
        ------
        ValueError
            If none or several settings match.
        KeyError
            If there is no such metric.
        """
        if metric in self.test:
            return self.test[metric][self.index(**setting)]
        if metric in ("test_loss", "test_accuracy"):
            raise KeyError(f"{metric} was not looked at: run the sweep with test=True.")
        values, lengths = self._curves(metric, setting)
        last = np.take_along_axis(values, np.maximum(lengths - 1, 0)[:, None], axis=1)[:, 0]
        return np.where(lengths > 0, last, np.nan)

    def best(self, metric, **setting) -> np.ndarray:
        """Return the best value on each run's way, shape (seeds,).

        The lowest for a loss, the highest for an accuracy; NaN for a run with no finite value.
        """
        values, _ = self._curves(metric, setting)
        extreme = np.min if metric.endswith("loss") else np.max
        worst = np.inf if metric.endswith("loss") else -np.inf
        found = extreme(np.where(np.isnan(values), worst, values), axis=1)
        return np.where(np.isinf(found), np.nan, found)

    def jitter(self, metric="val_accuracy", **setting) -> np.ndarray:
        """Return how much a curve shakes late in training, shape (seeds,).

        The mean absolute change from one epoch to the next over the last quarter of training,
        at least five epochs (all there are, if fewer).
        """
        values, lengths = self._curves(metric, setting)
        result = []
        for curve, n in zip(values, lengths, strict=True):
            late = curve[:n][-(max(5, round(n / 4)) + 1) :]
            result.append(np.mean(np.abs(np.diff(late))) if len(late) > 1 else np.nan)
        return np.array(result)

    def epochs_to_reach(self, value, metric="val_accuracy", **setting) -> np.ndarray:
        """Return the first epoch (from 1) at which a run has reached a value, shape (seeds,).

        At least `value` for an accuracy, at most for a loss; NaN for a run that never did.
        Under a budget of updates, epochs are passes over the data and may be fractions.
        """
        values, _ = self._curves(metric, setting)
        reached = values <= value if metric.endswith("loss") else values >= value
        i = self.index(**setting)
        passes = self.updates()[i] / self.updates_per_epoch[i]
        return np.where(reached.any(axis=1), passes[reached.argmax(axis=1)], np.nan)

    def area(self, metric="val_accuracy", **setting) -> np.ndarray:
        """Return the mean of a curve over its epochs (area under it per epoch), shape (seeds,)."""
        values, lengths = self._curves(metric, setting)
        curves = zip(values, lengths, strict=True)
        return np.array([curve[:n].mean() if n else np.nan for curve, n in curves])

    def summary(self, metric="val_accuracy") -> pd.DataFrame:
        """Return one row a setting: mean, sd and 95 % interval of the last epoch's value.

        Parameters
        ----------
        metric : str, default "val_accuracy"

        Returns
        -------
        pandas.DataFrame
            The setting's columns, then ``mean``, ``sd`` and Student's t interval of the mean
            (``low``, ``high``; NaN where all values are equal) over the seeds with a finite value,
            ``seeds`` (how many those are) and ``diverged`` (how many are not). The table's corner
            names the data. Settings are numbers, and shown as figures show them.
        """
        rows = []
        for setting in self.settings:
            values = self.final(metric, **setting)
            finite = values[np.isfinite(values)]
            low, high = interval(finite)
            found = {
                "mean": finite.mean() if finite.size else np.nan,
                "sd": finite.std(ddof=1) if finite.size > 1 else np.nan,
                "low": low,
                "high": high,
                "seeds": finite.size,
                "diverged": values.size - finite.size,
            }
            rows.append(setting | found)
        table = Table(rows)
        table.columns.name = f"{self.data}: {metric}"
        table[MEASURED] = table[MEASURED].map(lambda value: float(f"{value:.4g}"))
        for name in self.names:
            values = [setting[name] for setting in self.settings]
            if not all(map(is_number, values)):  # None beside numbers stays None
                table[name] = pd.Series(values, dtype=object)
        return table

    def save(self, path) -> Path:
        """Write all numbers to one ``.npz`` file, whole or not at all, and return its path.

        Kept weights are not written, which a warning says.
        """
        if self.trained:
            warnings.warn(
                f"{path} will hold the numbers of these runs, not their weights: save a model "
                "that you need with runs.model(...).save(...).",
                stacklevel=2,
            )
        return write_runs(self, path)

    @classmethod
    def load(cls, path) -> "Runs":
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged or was not written by `save`.
        """
        return cls(**read_runs(path))
