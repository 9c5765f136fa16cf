"""The random generators of the whole process: borrowed for a seed, and given back unchanged."""

import copy
import random
import threading
from contextlib import contextmanager

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.random import seed_generator
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED
from tensorflow.python.eager import context

_lock = threading.RLock()  # Keras draws first weights from generators that all threads share


@contextmanager
def restored():
    """Let the generators of Python, numpy, Keras and TensorFlow go on as if nothing was drawn.

    One thread at a time. Neither Keras nor TensorFlow has a public way to ask for theirs.
    """
    with _lock:
        yield from _restored()


def _restored():
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
    eager = context.context()
    seed, tensors = eager._seed, copy.copy(getattr(eager, "_rng", None))
    keras_seed = global_state.get_global_attribute(GLOBAL_RANDOM_SEED)
    keras_own = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    drawn = None if keras_own is None else keras.ops.convert_to_numpy(keras_own.state)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)  # noqa: NPY002
        eager._seed, eager._rng = seed, tensors
        global_state.set_global_attribute(GLOBAL_RANDOM_SEED, keras_seed)
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, keras_own)
        if keras_own is not None:
            keras_own.state.assign(drawn)


@contextmanager
def seeded(seed):
    """Draw from a seed inside the block, whatever other threads draw meanwhile.

    The first weights and the dropout of Keras' layers come from Python's generator, which others
    disturb, as the event loop of a Dask worker does: Keras gets one of its own.
    """
    with restored():
        keras.utils.set_random_seed(seed)
        shared, seed_generator.python_random = seed_generator.python_random, random.Random(seed)
        try:
            yield
        finally:
            seed_generator.python_random = shared
