"""Callbacks that plain Keras lacks."""

import keras


class WeightMonitor(keras.callbacks.Callback):
    """Keep the weights before the first update and after every epoch.

    `plot_loss_plane` draws them as a path, `animate_training` as a network that learns. Each
    `fit` has its own record.

    Parameters
    ----------
    every : int, default 1
        Epochs from one record to the next; the last epoch is kept in any case.

    Attributes
    ----------
    epochs : list of int
        The epochs that are kept, from 0: before training.
    weights : list of list of numpy.ndarray
        At each of them what `keras.Model.get_weights` returns.

    Raises
    ------
    ValueError
        If `every` is no whole number from 1.

    Examples
    --------
    >>> import numpy as np, optlab as ol
    >>> model = ol.blobs_mlp()
    >>> model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    >>> monitor = WeightMonitor(every=2)
    >>> history = model.fit(np.zeros((4, 2)), np.zeros(4), epochs=3, verbose=0,
    ...                     callbacks=[monitor])
    >>> monitor.epochs, monitor.weights[0][0].shape
    ([0, 2, 3], (2, 50))
    """

    def __init__(self, every=1):
        super().__init__()
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"every={every!r}: give a whole number of epochs from 1.")
        self.every, self.epochs, self.weights = every, [], []

    def _keep(self, epoch):
        self.epochs.append(epoch)
        self.weights.append(self.model.get_weights())

    def on_train_begin(self, logs=None):
        """Keep the first weights."""
        self.epochs, self.weights, self._last = [], [], 0
        self._keep(0)

    def on_epoch_end(self, epoch, logs=None):
        """Keep the weights if it is their turn."""
        self._last = epoch + 1
        if self._last % self.every == 0:
            self._keep(self._last)

    def on_train_end(self, logs=None):
        """Keep the last weights."""
        if self._last > self.epochs[-1]:
            self._keep(self._last)


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
