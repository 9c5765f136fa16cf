"""The training of one chunk: some runs of a kind, in one compiled program, with their callbacks.

Callbacks are Keras' own: after each look every run's callbacks see its numbers.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import keras
import numpy as np

from . import exact, updates
from .program import Feed, Program, State, updates_a_call
from .seeds import kept_order

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Chunk:
    """Runs that one program trains together, as (setting's position, seed)."""

    plans: list  # one for each run
    runs: list
    program: Program
    width: int  # runs that the program takes; it is filled up with copies of the last one


def filled(values, width, axis=0):
    """Stack one value a run, and copies of the last one up to the program's width."""
    return np.stack(values + values[-1:] * (width - len(values)), axis)


# ---- one run as its callbacks see it ---------------------------------------------------------


class _Run:
    """One run as Keras' callbacks see it: a model with an optimizer, weights and a stop."""

    def __init__(self, plan, read_weights):
        rate = None if exact.scheduled(plan.sample) else _float(plan.sample.learning_rate)
        self.optimizer = SimpleNamespace(learning_rate=rate)
        self.stop_training = False
        self.metrics = []
        self.length = 0  # looks trained
        self._read_weights, self.kept = read_weights, None
        callbacks = exact.acting(plan.callbacks())
        for callback in callbacks:
            if getattr(callback, "monitor", "").endswith("accuracy") and callback.mode == "auto":
                callback.mode = "max"  # which Keras reads off the compiled metrics
            callback.set_model(self)
            callback.set_params({"epochs": plan.looks})
        self.callbacks = callbacks
        self.tell("on_train_begin")

    def get_weights(self):
        return self._read_weights()

    def set_weights(self, weights):
        self.kept = weights

    def tell(self, event, *args, **kwargs):
        for callback in self.callbacks:
            getattr(callback, event)(*args, **kwargs)
            if self.optimizer.learning_rate is not None:
                self.optimizer.learning_rate = _float(self.optimizer.learning_rate)


def _float(value):
    """Return a number as Keras' optimizers hold it, in float32 unless Keras is told otherwise."""
    return np.dtype(keras.config.floatx()).type(value)


# ---- training a chunk ------------------------------------------------------------------------


def train_chunk(chunk, shared, stop, done, position):
    """Train the runs of a chunk; return their results, or none if told to stop."""
    training = Training(chunk, shared)
    while training.goes_on:
        if stop.is_set():
            return {}
        before = training.looks
        training.call()
        done[position] += len(chunk.runs) * (training.looks - before)
    return training.results()


class Training:
    """The training of one chunk: what changes from call to call."""

    def __init__(self, chunk, shared):
        self.chunk, self.shared = chunk, shared
        self.plan = plan = chunk.plans[0]
        self.a_call = updates_a_call(plan, chunk.width)
        self.orders = _Orders(plan, [seed for _, seed in chunk.runs], chunk.width)
        read = [exact.read_optimizer(p.sample) for p in chunk.plans]
        weights = shared.weights(chunk)
        self.dtype = dtype = weights[0].dtype
        self.numbers = {
            name: filled([reading.numbers[name] for reading in read], chunk.width).astype(dtype)
            for name in read[0].numbers
        }
        zeros = np.zeros(chunk.width, dtype)
        trained = [weights[place] for place in chunk.program.trained]
        first = read[0]
        memory = [
            updates.initial_state(first.rule_of(w.shape[1:]), w, **first.start) for w in trained
        ]
        self.state = State(weights, memory, zeros, zeros, zeros)
        self.updates = self.looks = 0
        self.seen, self.rates = [], []  # by look
        self._read = None  # the weights as numpy, read only if a callback asks
        self.runs = [_Run(p, self._reader(r)) for r, p in enumerate(chunk.plans)]
        self.act = any(run.callbacks for run in self.runs)

    def _reader(self, r):
        def read():
            if self._read is None:
                self._read = [np.asarray(w) for w in self.state.weights]
            return [w[r].copy() for w in self._read]

        return read

    @property
    def goes_on(self):
        """Whether there is still something to train."""
        return self.looks < self.plan.looks and any(not run.stop_training for run in self.runs)

    def call(self):
        """Train as far as one call of the program reaches, or until callbacks have to act."""
        per_look = self.plan.updates_per_look
        left = self.plan.looks * per_look - self.updates
        if self.act:
            left = per_look - self.updates % per_look
            if left == per_look:
                self._tell("on_epoch_begin", self.looks)
        count = min(left, self.a_call)
        rates = self._next_rates(count)
        ends = (np.arange(self.updates, self.updates + count) + 1) % per_look == 0
        data = [self.shared.tensors(self.plan.dataset, part) for part in ("train", "val")]
        self.state, seen = self.chunk.program.train(
            *data, self._feed(count, ends, rates), self.state
        )
        self._read = None
        self.updates += count
        self.looks += int(ends.sum())
        self.seen.append(seen.numpy()[:count][ends].astype("float64"))
        self.rates.append(rates[ends].astype("float64"))
        for run in self.runs:
            if not run.stop_training:
                run.length = self.looks
        if self.act and ends[-1]:
            self._look_back()

    def _next_rates(self, count):
        """Return the rates of the next updates, (updates, runs)."""
        rates = np.empty((count, self.chunk.width), self.dtype)
        for r, (run, plan) in enumerate(zip(self.runs, self.chunk.plans, strict=True)):
            planned = self.shared.rates(plan)
            if planned is None:
                rates[:, r] = run.optimizer.learning_rate
            else:
                rates[:, r] = planned[self.updates : self.updates + count]
        rates[:, len(self.runs) :] = rates[:, [len(self.runs) - 1]]
        return rates

    def _feed(self, count, ends, rates):
        """Return what the program needs, filled up to the length of its calls."""

        def full(values, fill=0):
            behind = [(0, self.a_call - count)] + [(0, 0)] * (values.ndim - 1)
            return np.pad(values, behind, constant_values=fill)

        order, sizes = self.orders.next(self.updates, count)
        return Feed(
            np.int32(count), np.int64(self.updates), full(order), full(sizes, fill=1), full(ends),
            full(rates), self.numbers, self.orders.seeds,
        )  # fmt: skip

    def _tell(self, event, *args):
        for run in self.runs:
            if not run.stop_training:
                run.tell(event, *args)

    def _look_back(self):
        """Let the callbacks of each run that goes on see its numbers."""
        for r, run in enumerate(self.runs):
            if run.callbacks and not run.stop_training:
                logs = {k: v[-1] for k, v in self._logs(r)}
                # TerminateOnNaN asks here, at every batch; a loss that is lost stays so
                run.tell("on_train_batch_end", self.plan.updates_per_look - 1, {**logs})
                run.tell("on_epoch_end", self.looks - 1, logs)
                if run.stop_training:
                    run.kept = run.get_weights()

    def _logs(self, r):
        """Yield each metric of a run with its values so far."""
        seen = np.concatenate(self.seen) if len(self.seen) > 1 else self.seen[0]
        for m, name in enumerate(METRICS[: 4 if len(self.plan.dataset.x_val) else 2]):
            yield name, seen[:, m, r]
        yield "learning_rate", np.concatenate(self.rates)[:, r]

    def results(self):
        """Return what was recorded by (setting, seed), with the final weights."""
        self._tell_end()
        weights = [np.array(w) for w in self.state.weights]
        for r, run in enumerate(self.runs):
            for stack, value in zip(weights, run.kept or [], strict=False):
                stack[r] = value
        results = {}
        for r, (run, key) in enumerate(zip(self.runs, self.chunk.runs, strict=True)):
            results[key] = {name: values[: run.length] for name, values in self._logs(r)}
            results[key]["weights"] = [w[r] for w in weights]
        if self.plan.test:
            test = self.shared.tensors(self.plan.dataset, "test")
            loss, accuracy = map(np.asarray, self.chunk.program.evaluate(*test, weights))
            for r, key in enumerate(self.chunk.runs):
                results[key] |= {"test_loss": float(loss[r]), "test_accuracy": float(accuracy[r])}
        return results

    def _tell_end(self):
        for run in self.runs:
            run.tell("on_train_end")


class _Orders:
    """The samples of each update, run by run, with the sizes of the batches."""

    def __init__(self, plan, seeds, width):
        self.n, self.batch_size = len(plan.dataset.x_train), plan.batch_size
        self.per_epoch = plan.updates_per_epoch
        self.seeds = filled(seeds, width).astype("int64")
        self._epochs = {}

    def _epoch(self, epoch):
        """Return an epoch's samples, (updates, runs, batch)."""
        if epoch not in self._epochs:
            rows = {seed: kept_order(seed, epoch, self.n) for seed in set(self.seeds.tolist())}
            order = np.zeros((len(self.seeds), self.per_epoch * self.batch_size), "int32")
            order[:, : self.n] = [rows[seed] for seed in self.seeds.tolist()]
            order = order.reshape(len(self.seeds), self.per_epoch, self.batch_size)
            self._epochs = {epoch: order.swapaxes(0, 1)}  # only the latest is asked for again
        return self._epochs[epoch]

    def next(self, first, count):
        """Return the order (updates, runs, batch) and the batches' sizes of some updates."""
        order, sizes = [], []
        while count:
            epoch, batch = divmod(first, self.per_epoch)
            now = min(count, self.per_epoch - batch)
            order.append(self._epoch(epoch)[batch : batch + now])
            places = np.arange(batch, batch + now) * self.batch_size
            sizes.append(np.minimum(self.batch_size, self.n - places))
            first, count = first + now, count - now
        return np.concatenate(order), np.concatenate(sizes).astype("int32")
