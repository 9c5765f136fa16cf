"""Trained networks that a sweep keeps: the weights of each run, and a Keras model with them."""

from dataclasses import dataclass

import numpy as np

from .plan import Plan
from .seeds import initial_model


@dataclass(frozen=True)
class Trained:
    """The runs of one setting, as they were when their training ended.

    Parameters
    ----------
    plan : Plan
        How a run of this setting is built.
    weights : dict of int to list of numpy.ndarray
        By seed, what `keras.Model.get_weights` returns; a run that was interrupted is missing.
    """

    plan: Plan
    weights: dict

    def stacked(self, seeds):
        """Return one array (seeds, ...) for each weight, NaN where a run was interrupted."""
        like = [*self.weights.values()] or [initial_model(self.plan, 0).get_weights()]
        nothing = [np.full(w.shape, np.nan, w.dtype) for w in like[0]]
        found = [self.weights.get(seed, nothing) for seed in seeds]
        return [np.stack(arrays) for arrays in zip(*found, strict=True)]

    def model(self, seed):
        """Return a compiled model with the weights of one seed's run."""
        if seed not in self.weights:
            raise ValueError(
                f"seed={seed!r} was not trained to its end: choose from "
                f"{', '.join(map(str, self.weights)) or 'none'}."
            )
        model = compiled(self.plan, initial_model(self.plan, seed))
        model.set_weights(self.weights[seed])
        return model


def compiled(plan, model):
    """Compile a model with a fresh optimizer and the loss that fits the labels; return it."""
    optimizer = plan.optimizer()
    if plan.schedule is not None:
        optimizer.learning_rate = plan.schedule.for_optimizer(plan.updates_per_epoch)
    sparse = plan.dataset.y_train.ndim == 1
    model.compile(
        optimizer,
        loss="sparse_categorical_crossentropy" if sparse else "categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
