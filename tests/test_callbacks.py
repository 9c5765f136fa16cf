import keras
import numpy as np
import pytest

import optlab as ol

UPDATES, EPOCHS = 3, 4


class Weights(keras.callbacks.Callback):
    """Note the only weight, before the first update and after each."""

    def on_train_begin(self, logs=None):
        self.values = [self.model.get_weights()[0].item()]

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(self.model.get_weights()[0].item())


class At(keras.callbacks.Callback):
    """Halve the rate each time that something happens."""

    def __init__(self, event):
        super().__init__()
        setattr(self, event, self.halve)

    def halve(self, *_, **__):
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.model.optimizer.learning_rate = rate / 2


def plateau():
    # nothing ever improves by 1000: it divides after every epoch but the first
    return keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=1, factor=0.5, min_delta=1000)


OTHERS = {
    "before an update": lambda: [At("on_train_batch_begin")],
    "after an update": lambda: [At("on_train_batch_end")],
    "before and after": lambda: [At("on_train_batch_begin"), At("on_train_batch_end")],
    "before an epoch": lambda: [At("on_epoch_begin")],
    "after an epoch": lambda: [At("on_epoch_end"), plateau()],
    "two plateaus": lambda: [plateau(), plateau()],
    "another monitor": lambda: [ol.LearningRateMonitor(), At("on_train_batch_begin")],
    "a scheduler": lambda: [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
        At("on_train_batch_end"),
    ],
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_recorded_rate_is_the_one_that_was_used_in_any_order(kind):
    """Descend f(w) = w, whose gradient is 1: each change of the weight is the rate."""
    for place in range(len(OTHERS[kind]()) + 1):
        callbacks = [Weights(), *OTHERS[kind]()]
        callbacks.insert(1 + place, ol.LearningRateMonitor())
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(1.0), loss=lambda y, prediction: prediction)
        x = np.ones((UPDATES, 1), "float32")
        history = model.fit(
            x, x, batch_size=1, epochs=EPOCHS, verbose=0, callbacks=callbacks
        ).history  # fmt: skip
        used = -np.diff(callbacks[0].values)[UPDATES - 1 :: UPDATES]
        np.testing.assert_allclose(history["learning_rate"], used, rtol=1e-2, atol=1e-6)


def test_each_fit_has_its_own_record():
    monitor = ol.LearningRateMonitor()
    model = ol.blobs_mlp()
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    for epochs in (2, 1):
        x, y = np.zeros((4, 2)), np.zeros(4)
        history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=[monitor])
        assert history.history["learning_rate"] == [0.5] * epochs
