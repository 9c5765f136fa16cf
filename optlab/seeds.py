"""What belongs to a seed, for both engines: the first weights and the order of the samples."""

from functools import lru_cache

import numpy as np

from . import chance


def sample_order(seed, epoch, n):
    """Return the order in which a seed sees its n samples in an epoch (from 0)."""
    return np.random.default_rng([seed, epoch]).permutation(n)


@lru_cache(maxsize=4096)
def _kept_order(seed, epoch, n):
    return sample_order(seed, epoch, n).astype("int32")


def kept_order(seed, epoch, n):
    """Return the same, kept for the other batch sizes of a sweep where that takes little room."""
    return _kept_order(seed, epoch, n) if n <= 2000 else sample_order(seed, epoch, n)


def initial_model(plan, seed):
    """Build the model with the first weights that belong to a seed."""
    with chance.seeded(seed):
        model = plan.model()
        if not model.built:  # a Sequential without an Input has no weights yet
            model(plan.dataset.x_train[:1])
    return model


def first_weights(plan, seed):
    """Return the weights that belong to a seed, as `keras.Model.get_weights` does."""
    return initial_model(plan, seed).get_weights()
