"""What belongs to a seed, for both engines: the first weights and the order of the samples."""

import random
import threading
from contextlib import contextmanager
from functools import lru_cache

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED
from tensorflow.python.eager import context

# Keras draws first weights from generators that the whole process shares.
_generators = threading.RLock()


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
    with seeded(seed):
        model = plan.model()
        if not model.built:  # a Sequential without an Input has no weights yet
            model(plan.dataset.x_train[:1])
    return model


@contextmanager
def seeded(seed):
    """Seed every global generator as `keras.utils.set_random_seed` does, and put all back after.

    One thread at a time, so that no other sweep draws meanwhile.
    """
    eager = context.context()
    with _generators:
        kept = random.getstate(), np.random.get_state()  # noqa: NPY002
        kept_keras = {
            name: global_state.get_global_attribute(name)
            for name in (GLOBAL_RANDOM_SEED, GLOBAL_SEED_GENERATOR)
        }
        kept_eager = eager._seed, getattr(eager, "_rng", None)
        keras.utils.set_random_seed(seed)
        try:
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002
            for name, value in kept_keras.items():
                global_state.set_global_attribute(name, value)
            eager._seed, eager._rng = kept_eager
