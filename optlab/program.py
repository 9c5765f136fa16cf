"""Many runs of one kind as one compiled TensorFlow program.

The weights of some runs (one model shape, one batch size, one rule) are stacked along a leading
axis and trained together by a compiled loop that uses the update rules of `optlab.updates`. Rates,
momentum and the other numbers may differ from run to run. How many runs there are, how many updates
one call makes and where a look at the validation set falls are the same for sweeps of any length,
so that few programs serve many sweeps: TensorFlow never forgets a program that it has compiled.
"""

import inspect
import threading
from collections import OrderedDict
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from . import exact, updates

RUNS = 10  # at most so many in one program; more at once would only leave the cache
SAMPLES = 2**15  # that one call trains a run on, at most
SLICE = 1024  # samples that are evaluated at once
KEPT = 16  # programs that are kept, to be used again

# every model.fit compiles anew, and a sweep has many: TensorFlow need not warn of it
tf.get_logger().addFilter(lambda record: "tf.function retracing" not in record.getMessage())


class CannotCompile(Exception):
    """TensorFlow cannot make one program of a model's runs; the message says why."""


class State(NamedTuple):
    """What runs carry from update to update; every array has the runs as its first axis."""

    weights: list  # in the order of Keras' get_weights
    memory: list  # the rule's state, a tuple for each weight that is trained
    loss: tf.Tensor  # sums since the last look: of the samples' losses, ...
    hits: tf.Tensor  # ... of those classified right, ...
    samples: tf.Tensor  # ... and their number


class Feed(NamedTuple):
    """What one call trains on: the first `count` of so many updates."""

    count: np.int32
    done: np.int64  # updates before this call
    order: np.ndarray  # int32 (updates, runs, batch): which samples each run sees
    sizes: np.ndarray  # int32 (updates,): how many of a batch are there, as the last may be short
    looks: np.ndarray  # bool (updates,): after which updates to look at the validation set
    rates: np.ndarray  # float (updates, runs)
    numbers: dict  # of float (runs,): the optimizer's other numbers
    seeds: np.ndarray  # int64 (runs,): for the noise of dropout and the like


def _over_runs(function, arguments):
    """Map a function over the runs, the first axis of all arguments."""
    if tf.nest.flatten(arguments)[0].shape[0] > 1:
        return tf.vectorized_map(function, arguments, warn=False)
    # of one alone vectorized_map makes a program that is compiled anew at every call
    only = function(tf.nest.map_structure(lambda values: values[0], arguments))
    return tf.nest.map_structure(lambda value: value[None], only)


def _per_run(values, weight):
    """Return one number a run, shaped to broadcast against a stacked weight, in its dtype."""
    shape = (values.shape[0], *[1] * (weight.shape.rank - 1))
    return tf.reshape(tf.cast(values, weight.dtype), shape)


class Program:
    """So many updates of so many runs of a kind, compiled once for each shape of data."""

    def __init__(self, model, reading, stops=False):
        self.reading = reading
        self.stops = stops  # with the first batch whose loss is no number
        self.original = model  # kept, since a key may name it by its id
        self.model = exact.with_given_noise(model)
        layers = self.model._flatten_layers()
        self.noisy = [d for d in layers if isinstance(d, exact.GivenNoise)]
        # where among the weights, in the order of Keras' get_weights, those that are trained stand
        trained = {id(variable) for variable in self.model.trainable_variables}
        places = [(i, id(variable) in trained) for i, variable in enumerate(self.model.weights)]
        self.trained = [i for i, yes in places if yes]
        self.kept = [i for i, yes in places if not yes]
        self._compiled = {}

    def train(self, train, val, feed, state):
        """Make some updates.

        Parameters
        ----------
        train, val : pair of tensors
            Inputs and labels; without validation samples, those of `val` are empty.
        feed : Feed
        state : State

        Returns
        -------
        state : State
        seen : tensor (updates, 4, runs)
            After an update with a look: loss, accuracy, and the two of the validation set.
        """
        return self._call(self._train, train, val, feed, state)

    def evaluate(self, x, y, weights):
        """Return loss and accuracy of all runs on one set of samples, each of shape (runs,)."""
        return self._call(self._evaluate, x, y, weights)

    def _call(self, function, *arguments):
        """Call a compiled function; the first call of a kind compiles it.

        One at a time: two threads that compile together are no faster and take 100 MB more.
        """
        arguments = tf.nest.map_structure(tf.convert_to_tensor, arguments)
        key = (function.__name__, *(v.shape for v in tf.nest.flatten(arguments)))
        if key not in self._compiled:
            with _compiling:
                if key not in self._compiled:
                    compiled = _traced(function, arguments)
                    found = _run(compiled, arguments)
                    self._compiled[key] = compiled
                    return found
        return _run(self._compiled[key], arguments)

    def _losses(self, weights, x, y, noise=(), training=False):
        """Return what all runs make of their samples.

        Parameters
        ----------
        x, y : tensors (runs, samples, ...)
            Or (samples, ...) if all runs see the same.
        noise : list of tensors (runs, samples, ...)
            For each layer that draws some.

        Returns
        -------
        losses, hits : tensors of float (runs, samples)
        statistics : list of tensors (runs, ...)
            What layers keep beside their trained weights, as it is afterwards.
        """
        own = (x, y) if training else ()

        def one(arguments):
            weights, own, noise = arguments
            inputs, labels = own or (x, y)
            for layer, drawn in zip(self.noisy, noise, strict=False):
                layer.noise = drawn
            trained, kept = [weights[i] for i in self.trained], [weights[i] for i in self.kept]
            output, kept = self.model.stateless_call(trained, kept, inputs, training=training)
            loss = keras.losses.categorical_crossentropy
            if labels.shape.rank == 1:
                loss = keras.losses.sparse_categorical_crossentropy
            return loss(labels, output), output, kept

        losses, output, statistics = _over_runs(one, (weights, own, list(noise)))
        # the class of a diverged model is 0, as in Keras, where XLA's argmax of NaN may be any
        output = tf.where(tf.math.is_nan(output), tf.zeros_like(output), output)
        found = tf.argmax(output, -1, output_type="int32")
        classes = y if y.dtype == tf.int32 else tf.argmax(y, -1, output_type="int32")
        return losses, tf.cast(found == classes, losses.dtype), statistics

    def _penalty(self, weights):
        """Return what regularizers add to the mean loss of each run, (runs,)."""
        penalty = tf.zeros(weights[0].shape[0], weights[0].dtype)
        for variable, stack in zip(self.model.weights, weights, strict=True):
            if getattr(variable, "regularizer", None) is not None:
                # one by one: a sum inside vectorized_map is compiled anew at every call
                penalty += tf.stack([variable.regularizer(weight) for weight in tf.unstack(stack)])
        return penalty

    def _noise(self, seeds, update, batch_size):
        """Return noise (runs, batch, ...) for each layer that draws some in an update."""

        def draw(seed, place, shape, normal):
            kind = tf.random.stateless_normal if normal else tf.random.stateless_uniform
            return kind(shape, seed=tf.stack([seed, place]))

        drawn = []
        for i, layer in enumerate(self.noisy):
            place = update * len(self.noisy) + i
            shape = (batch_size, *layer.output.shape[1:])
            one = partial(draw, place=place, shape=shape, normal=layer.normal)
            drawn.append(tf.map_fn(one, seeds, fn_output_signature="float32"))
        return drawn

    def _update(self, x, y, feed, i, state):
        """Make the update number i of a feed and return the new state."""
        chosen = feed.order[i]
        runs, batch = chosen.shape
        dtype = state.loss.dtype
        size = tf.cast(feed.sizes[i], dtype)
        mask = tf.cast(tf.range(batch) < feed.sizes[i], dtype)
        noise = self._noise(feed.seeds, feed.done + tf.cast(i, "int64"), batch)
        trained = [state.weights[place] for place in self.trained]
        with tf.GradientTape() as tape:
            tape.watch(trained)
            losses, hits, statistics = self._losses(
                state.weights, tf.gather(x, chosen), tf.gather(y, chosen), noise, training=True
            )
            # runs share no weight: the gradient of the sum holds each run's own
            loss = tf.reduce_sum(losses * mask, 1) / size + self._penalty(state.weights)
        found = zip(tape.gradient(loss, trained), trained, strict=True)
        gradients = [tf.ensure_shape(tf.convert_to_tensor(g), w.shape) for g, w in found]
        weights, memory = dict(zip(self.kept, statistics, strict=True)), []
        for place, gradient, remembered in zip(
            self.trained, self._clipped(gradients, feed.numbers), state.memory, strict=True
        ):
            weight = state.weights[place]
            change, remembered = self._change(feed, i, weight, gradient, remembered)
            weights[place] = weight + change
            memory.append(remembered)
        weights = [weights[place] for place in range(len(weights))]
        new = State(
            weights, memory, state.loss + loss * size,
            state.hits + tf.reduce_sum(hits * mask, 1), state.samples + size,
        )  # fmt: skip
        return self._stopped(state, new) if self.stops else new

    def _stopped(self, state, new):
        """Return the new state of the runs that go on, and the old one of those that ended."""
        on = tf.math.is_finite(state.loss)

        def choose(old, new):
            return tf.where(tf.reshape(on, (-1, *[1] * (new.shape.rank - 1))), new, old)

        return tf.nest.map_structure(choose, state, new)

    def _clipped(self, gradients, numbers):
        """Return the gradients of all runs, none longer than its optimizer lets them be."""
        for name in set(exact.CLIPS).intersection(self.reading.besides):
            if name == "clipvalue":
                limits = [_per_run(numbers[name], g) for g in gradients]
                pairs = zip(gradients, limits, strict=True)
                return [tf.clip_by_value(g, -limit, limit) for g, limit in pairs]
            squares = [tf.reduce_sum(g * g, tf.range(1, tf.rank(g))) for g in gradients]
            if name == "global_clipnorm":
                squares = [tf.add_n(squares)] * len(gradients)
            limit = numbers[name]
            scales = [limit / tf.maximum(tf.sqrt(square), limit) for square in squares]
            return [g * _per_run(s, g) for g, s in zip(gradients, scales, strict=True)]
        return gradients

    def _change(self, feed, i, weight, gradient, memory):
        """Return what the rule adds to one stacked weight, and what it remembers."""
        rate = _per_run(feed.rates[i], weight)
        numbers = {name: _per_run(values, weight) for name, values in feed.numbers.items()}
        besides = {name: numbers.pop(name) for name in self.reading.besides}
        given = numbers | self.reading.options
        rule = self.reading.rule_of(weight.shape[1:])
        lost = rate * besides["weight_decay"] * weight if "weight_decay" in besides else None
        if rule in updates.WITH_PARAMETER:  # decay comes first, as in Keras
            given["parameter"] = weight if lost is None else weight - lost
        if self.reading.rule is updates.muon:  # it and Adam share their numbers
            given = {n: v for n, v in given.items() if n in inspect.signature(rule).parameters}
        t = tf.cast(feed.done + tf.cast(i, "int64") + 1, weight.dtype)
        change, memory = rule(gradient, memory, t, learning_rate=rate, **given)
        return (change if lost is None else change - lost), memory

    def _train(self, train, val, feed, state):
        def look(state):
            zeros = tf.zeros_like(state.loss)
            seen = self._evaluate(*val, state.weights) if val[0].shape[0] else (zeros, zeros)
            found = tf.stack([state.loss / state.samples, state.hits / state.samples, *seen])
            return state._replace(loss=zeros, hits=zeros, samples=zeros), found

        def no_look(state):
            return state, tf.zeros((4, *state.loss.shape), state.loss.dtype)

        def step(i, state, seen):
            state = self._update(*train, feed, i, state)
            state, found = tf.cond(feed.looks[i], lambda: look(state), lambda: no_look(state))
            return i + 1, state, tf.tensor_scatter_nd_update(seen, [[i]], found[None])

        updates_a_call = feed.order.shape[0]
        seen = tf.zeros((updates_a_call, 4, *state.loss.shape), state.loss.dtype)
        _, state, seen = tf.while_loop(
            lambda i, *_: i < feed.count,
            step,
            (tf.constant(0), state, seen),
            maximum_iterations=updates_a_call,
        )
        return state, seen

    def _evaluate(self, x, y, weights):
        slices = -(-x.shape[0] // SLICE)
        size = -(-x.shape[0] // slices)

        def add(i, loss, hits):
            places = i * size + tf.range(size)
            mask = tf.cast(places < x.shape[0], weights[0].dtype)
            places = tf.minimum(places, x.shape[0] - 1)
            losses, right, _ = self._losses(weights, tf.gather(x, places), tf.gather(y, places))
            loss += tf.reduce_sum(losses * mask, 1)
            return i + 1, loss, hits + tf.reduce_sum(right * mask, 1)

        zeros = tf.zeros(weights[0].shape[0], weights[0].dtype)
        _, loss, hits = tf.while_loop(
            lambda i, *_: i < slices, add, (tf.constant(0), zeros, zeros),
            maximum_iterations=slices,
        )  # fmt: skip
        return loss / x.shape[0] + self._penalty(weights), hits / x.shape[0]


def _traced(function, arguments):
    compiled = tf.function(function, jit_compile=True, autograph=False)
    try:
        return compiled.get_concrete_function(*arguments)
    except Exception as error:  # whatever a layer raises
        raise CannotCompile(exact.reason(error)) from error


def _run(compiled, arguments):
    try:
        return compiled(*arguments)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        raise CannotCompile(exact.reason(error)) from error


_programs = OrderedDict()
_lock, _compiling = threading.Lock(), threading.Lock()


def program(plan):
    """Return the program of a plan's kind: the same one whenever the computation is the same."""
    reading = exact.read_optimizer(plan.sample)
    stops = exact.stops_at_nan(plan)
    key = (exact.structure(plan.template), stops, *reading.kind)
    with _lock:
        if key not in _programs:
            _programs[key] = Program(plan.template, reading, stops)
        _programs.move_to_end(key)
        while len(_programs) > KEPT:  # what was used longest ago is compiled again if need be
            _programs.popitem(last=False)
        return _programs[key]


def updates_a_call(plan, runs):
    """Return how many updates one call makes at most: enough to fill it, few enough to stop it.

    A power of two that depends on the model and the batch only, not on the sweep's length.
    """
    work = 6 * number_of_weights(plan.template) * plan.batch_size * runs  # operations, about
    most = min(1024, SAMPLES // plan.batch_size, 2**34 // work)
    return 2 ** max(int(most).bit_length() - 1, 2)


def number_of_weights(model):
    """Return how many numbers a model has to train."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
