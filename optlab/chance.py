"""The random generators of the whole process: borrowed for a seed, and given back unchanged."""

import random
import threading
from contextlib import contextmanager

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED
from tensorflow.python.eager import context

_lock = threading.RLock()  # Keras draws first weights from generators that all threads share


@contextmanager
def restored():
    """Let the generators of Python, numpy, Keras and TensorFlow go on as if nothing was drawn.

    Neither Keras nor TensorFlow has a public way to ask for theirs.
    """
    eager = context.context()
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
    tensors = eager._seed, getattr(eager, "_rng", None)
    names = (GLOBAL_RANDOM_SEED, GLOBAL_SEED_GENERATOR)
    kept = {name: global_state.get_global_attribute(name) for name in names}
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)  # noqa: NPY002
        eager._seed, eager._rng = tensors
        for name, value in kept.items():
            global_state.set_global_attribute(name, value)


@contextmanager
def seeded(seed):
    """Draw from a seed inside the block, with no other thread in such a block meanwhile."""
    with _lock, restored():
        keras.utils.set_random_seed(seed)
        yield
