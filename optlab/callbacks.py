"""Callbacks that plain Keras lacks."""

import keras


class LearningRateMonitor(keras.callbacks.Callback):
    """Record the learning rate of every epoch in the history, under "learning_rate".

    What is recorded is the rate of the epoch's last update, whatever sets it: a number, a
    schedule inside the optimizer, or another callback (in any order in the list).

    Examples
    --------
    >>> import numpy as np, optlab as ol
    >>> model = ol.blobs_mlp()
    >>> model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    >>> history = model.fit(np.zeros((4, 2)), np.zeros(4), epochs=2, verbose=0,
    ...                     callbacks=[LearningRateMonitor()])
    >>> history.history["learning_rate"]
    [0.5, 0.5]
    """

    def on_train_begin(self, logs=None):
        """Listen where Keras calls last: in the history, after all callbacks of the list."""
        history = self.model.history
        begin, record = history.on_train_batch_begin, history.on_epoch_end

        def note(batch, logs=None):
            begin(batch, logs)  # of another monitor
            self._rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

        def record_with_rate(epoch, logs=None):
            # others write this name, too, with the rate that they leave to the next epoch
            record(epoch, {**(logs or {}), "learning_rate": self._rate})

        history.on_train_batch_begin, history.on_epoch_end = note, record_with_rate

    def on_epoch_end(self, epoch, logs=None):
        """Show the last rate to the callbacks that follow."""
        if logs is not None:
            logs["learning_rate"] = self._rate
