"""Many models trained as one TensorFlow program.

The weights of all runs of a kind (one model shape, one batch size, one optimizer) are stacked
along two leading axes, seeds and settings, and trained together by a compiled loop that uses the
update rules of `optlab.updates`. Rates, momentum and the other numbers may differ from run to
run. Callbacks are Keras' own: after each look every run's callbacks see its numbers.
"""

import json
import threading
import warnings
from collections import OrderedDict
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import joblib
import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from . import updates

# What the engine reads of each Keras optimizer: our rule, and the numbers it takes.
RULES = {
    keras.optimizers.SGD: (updates.momentum, ["momentum"]),
    keras.optimizers.Adagrad: (updates.adagrad, ["epsilon"]),
    keras.optimizers.Adadelta: (updates.adadelta, ["rho", "epsilon"]),
    keras.optimizers.RMSprop: (updates.rmsprop, ["rho", "momentum", "epsilon"]),
    keras.optimizers.Adam: (updates.adam, ["beta_1", "beta_2", "epsilon"]),
    keras.optimizers.AdamW: (updates.adamw, ["beta_1", "beta_2", "epsilon", "weight_decay"]),
    keras.optimizers.Adamax: (updates.adamax, ["beta_1", "beta_2", "epsilon"]),
    keras.optimizers.Nadam: (updates.nadam, ["beta_1", "beta_2", "epsilon"]),
}
REFUSED_OPTIONS = (
    "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "loss_scale_factor",
    "gradient_accumulation_steps", "amsgrad",
)  # fmt: skip
CALLBACKS = {
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.EarlyStopping,
    keras.callbacks.LearningRateScheduler,
}
# every model.fit compiles anew, and a sweep has many: TensorFlow need not warn of it
tf.get_logger().addFilter(lambda record: "tf.function retracing" not in record.getMessage())

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
MAX_MEMORY = 2**30  # bytes of weights, optimizer state and activations trained at once


# ---- what belongs to a seed, for both engines ------------------------------------------------


def sample_order(seed, epoch, n):
    """Return the order in which a seed sees its n samples in an epoch (from 0)."""
    return np.random.default_rng([seed, epoch]).permutation(n)


@lru_cache(maxsize=4096)
def _kept_order(seed, epoch, n):
    return sample_order(seed, epoch, n).astype("int32")


def _order(seed, epoch, n):
    """Return the same, kept for the other batch sizes of a sweep where that takes little room."""
    return _kept_order(seed, epoch, n) if n <= 2000 else sample_order(seed, epoch, n)


def initial_model(plan, seed):
    """Build the model with the first weights that belong to a seed."""

    def build():
        keras.utils.set_random_seed(seed)
        model = plan.model()
        if not model.built:  # a Sequential without an Input has no weights yet
            model(plan.dataset.x_train[:1])
        return model

    model = build()
    # Keras draws from the generator of the whole process, which is disturbed if another thread
    # draws meanwhile, as that of a Dask worker may: there, two builds must agree.
    for _ in range(0 if threading.current_thread() is threading.main_thread() else 10):
        before, model = model, build()
        if all(map(np.array_equal, before.variables, model.variables)):
            break
    return model


# ---- what it can do exactly ------------------------------------------------------------------


def refusal(plans):
    """Return why these plans cannot be trained exactly as Keras would, or None."""
    for model in {id(plan.template): plan.template for plan in plans}.values():
        if reason := _refuse_model(model):
            return reason
    for plan in plans:
        reason = _refuse_optimizer(plan.sample) or _refuse_callbacks(plan.callbacks())
        if reason:
            return reason
    return None


def _refuse_optimizer(optimizer):
    name = type(optimizer).__name__
    if type(optimizer) not in RULES:
        return f"it knows no update rule for the optimizer {name}."
    for option in REFUSED_OPTIONS:
        if getattr(optimizer, option, None):
            return f"{name} is used with {option}."
    if optimizer.weight_decay and type(optimizer) is not keras.optimizers.AdamW:
        return f"{name} is used with weight_decay."
    if getattr(optimizer, "_exclude_from_weight_decay_pattern", None):
        return f"{name} is used with exclude_from_weight_decay."
    if callable(optimizer._learning_rate) and not scheduled(optimizer):
        return f"the learning rate of {name} is a function: give a number or a schedule."
    return None


def _refuse_callbacks(callbacks):
    for callback in callbacks:
        if type(callback) not in CALLBACKS and type(callback).__name__ != "LearningRateMonitor":
            return f"it knows no callback {type(callback).__name__}."
    return None


def _refuse_model(model):
    for layer in model._flatten_layers():
        name = type(layer).__name__
        if not type(layer).__module__.startswith("keras.") or type(layer) is keras.layers.Lambda:
            return f"the model has a part of one's own, {name}."
        if getattr(layer, "activity_regularizer", None):
            return f"the model's {name} has an activity_regularizer."
        if layer.compute_dtype != "float32":
            return f"the model's {name} computes in {layer.compute_dtype}."
        if type(layer) is keras.layers.Dropout and (layer.noise_shape or layer.seed is not None):
            return "the model's Dropout has a seed or a noise_shape of its own."
    noise = {id(d.seed_generator.state) for d in _dropouts(model)}
    if any(id(variable) not in noise for variable in model.non_trainable_variables):
        return "the model keeps state beside its trainable weights (as BatchNormalization does)."
    if any(w.constraint is not None for w in model.trainable_variables):
        return "the model has a constraint on its weights."
    try:
        _with_given_dropout(model)
    except Exception as error:  # Keras raises what a layer's configuration happens to raise
        return f"the model has dropout and cannot be copied ({str(error).splitlines()[0]})"
    return None


def _dropouts(model):
    """Return the dropout layers that drop something."""
    layers = model._flatten_layers()
    return [d for d in layers if type(d) is keras.layers.Dropout and d.rate > 0]


def scheduled(optimizer):
    """Return whether a Keras optimizer was built with a schedule."""
    schedule = keras.optimizers.schedules.LearningRateSchedule
    return isinstance(optimizer._learning_rate, schedule)


def structure(model):
    """Return a text that is equal for models of equal computation, whatever their names.

    A model whose text would not tell (wired by hand, with functions or classes of one's own)
    is equal to itself only.
    """

    def strip(config):
        if isinstance(config, dict):
            return {
                k: strip(v)
                for k, v in config.items()
                if k not in ("name", "seed") and not k.endswith("initializer")
            }
        return [strip(v) for v in config] if isinstance(config, (list, tuple)) else config

    if type(model) is not keras.Sequential:
        return f"model {id(model)}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "the object being serialized includes a lambda"
        layers = [[type(layer).__name__, strip(layer.get_config())] for layer in model.layers]
    text = json.dumps(layers, default=repr)
    if '"registered_name": "' in text or "__lambda__" in text or '"Functional"' in text:
        return f"model {id(model)}"
    return text


# ---- the compiled program --------------------------------------------------------------------


class GivenDropout(keras.layers.Layer):
    """Dropout whose noise is handed in from outside, so that each seed has its own."""

    def __init__(self, rate):
        super().__init__()
        self.rate, self.noise = rate, None

    def call(self, inputs, training=False):
        """Drop where the noise (uniform in [0, 1)) lies below the rate; scale up the rest."""
        if not training:
            return inputs
        return tf.where(self.noise >= self.rate, inputs / (1 - self.rate), 0.0)


class Program:
    """Some looks (epochs, or so many updates each) of all runs of a kind, compiled once.

    Axes of a run's numbers are (seeds, settings, ...). `looks` is how many one call may train.
    """

    def __init__(self, model, rule, options, looks):
        self.rule, self.options, self.looks = rule, options, looks
        self.original = model  # kept, since a key may name it by its id
        self.model = _with_given_dropout(model)
        self.dropouts = [d for d in self.model._flatten_layers() if isinstance(d, GivenDropout)]
        self._compiled, self._lock = {}, threading.Lock()

    def train(self, *arguments):
        """Train through some looks, see `_looks`."""
        return self._call(self._looks, *arguments)

    def evaluate(self, *arguments):
        """Evaluate all runs, see `_evaluate`."""
        return self._call(self._evaluate, *arguments)

    def _call(self, function, *arguments):
        """Call a compiled function; two threads that need it at once compile it once."""
        key = (function.__name__, arguments[0].shape)
        with self._lock:
            if key not in self._compiled:
                compiled = tf.function(function, jit_compile=True)
                self._compiled[key] = compiled.get_concrete_function(*arguments)
        return self._compiled[key](*arguments)

    def _loss(self, weights, x, y, mask, training):
        """Return mean loss and number of hits of one model on one (masked) batch."""
        output, _, penalties = self.model.stateless_call(
            weights, [], x, training=training, return_losses=True
        )
        if y.shape.rank == 1:
            losses, classes = keras.losses.sparse_categorical_crossentropy(y, output), y
        else:
            losses = keras.losses.categorical_crossentropy(y, output)
            classes = tf.argmax(y, axis=-1, output_type="int32")
        # Keras' own accuracy, whose argmax vectorized_map would turn into a slow loop; the class
        # of a diverged model is 0, where XLA's argmax of NaN may be any
        found = tf.argmax(tf.where(tf.math.is_nan(output), 0.0, output), -1, output_type="int32")
        hits = tf.cast(found == classes, "float32")
        loss = tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)
        return loss + sum(penalties), tf.reduce_sum(hits * mask)

    def _gradient(self, weights, x, y, mask, noise):
        """Return mean loss, number of hits and the gradient of the loss for one model."""
        for dropout, own in zip(self.dropouts, noise, strict=True):
            dropout.noise = own
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss, hits = self._loss(weights, x, y, mask, True)
        return loss, hits, *tape.gradient(loss, weights)

    def _noise(self, seeds, update, batch_size):
        """Return uniform noise (seeds, batch, ...) for each dropout layer of an update."""

        def draw(seed, layer):
            shape = (batch_size, *layer.output.shape[1:])
            place = update * len(self.dropouts) + self.dropouts.index(layer)
            return tf.random.stateless_uniform(shape, seed=tf.stack([seed, place]))

        return [
            tf.map_fn(lambda seed, d=d: draw(seed, d), seeds, fn_output_signature="float32")
            for d in self.dropouts
        ]

    @staticmethod
    def _over_runs(function, weights, by_seed=()):
        """Map a function over seeds and settings, along with what differs by seed only."""

        def settings(weights, by_seed):
            if weights[0].shape[0] == 1:
                return [v[None] for v in function([w[0] for w in weights], *by_seed)]
            return tf.vectorized_map(lambda w: function(w, *by_seed), weights, warn=False)

        if weights[0].shape[0] == 1:
            only = tf.nest.map_structure(lambda v: v[0], (weights, by_seed))
            return [v[None] for v in settings(*only)]
        return tf.vectorized_map(lambda a: settings(*a), (weights, by_seed), warn=False)

    def _look(self, x, y, seeds, order, mask, rates, numbers, weights, states, t):
        """Train through one look; return weights, states, and the mean loss and accuracy.

        Parameters
        ----------
        seeds : int64 (seeds,)
            For the noise of dropout.
        order : int32 (seeds, updates, batch)
            Which samples each seed sees at each update.
        mask : float32 (updates, batch)
            0 where a short last batch was filled up.
        rates : float32 (updates, seeds, settings)
        numbers : dict of float32 (seeds, settings)
            The optimizer's other numbers.
        t : int64
            Updates done before.
        """

        def per_run(values, weight):
            return tf.reshape(values, (*values.shape, *[1] * (weight.shape.rank - 2)))

        def update(i, weights, states, loss_sum, hit_sum):
            chosen = order[:, i]
            noise = self._noise(seeds, t + tf.cast(i, "int64"), order.shape[2])
            losses, hits, *gradients = self._over_runs(
                lambda w, x, y, noise: self._gradient(w, x, y, mask[i], noise),
                weights,
                (tf.gather(x, chosen), tf.gather(y, chosen), noise),
            )
            done_weights, done_states = [], []
            for weight, gradient, state in zip(weights, gradients, states, strict=True):
                given = {k: per_run(v, weight) for k, v in numbers.items()} | self.options
                if self.rule is updates.adamw:
                    given["parameter"] = weight
                change, state = self.rule(
                    gradient,
                    state,
                    tf.cast(t, "float32") + tf.cast(i + 1, "float32"),
                    learning_rate=per_run(rates[i], weight),
                    **given,
                )
                done_weights.append(weight + change)
                done_states.append(state)
            size = tf.reduce_sum(mask[i])
            return i + 1, done_weights, done_states, loss_sum + losses * size, hit_sum + hits

        zeros = tf.zeros(weights[0].shape[:2])
        _, weights, states, loss_sum, hit_sum = tf.while_loop(
            lambda i, *_: i < order.shape[1],
            update,
            (tf.constant(0), weights, states, zeros, zeros),
            maximum_iterations=order.shape[1],
        )
        samples = tf.reduce_sum(mask)
        return weights, states, loss_sum / samples, hit_sum / samples

    def _looks(self, x, y, x_val, y_val, seeds, count, order, mask, rates, numbers, weights,
               states, t):  # fmt: skip
        """Train through `count` looks, each followed by one at the validation set.

        Arguments are those of `_look`; `order`, `mask` and `rates` have a leading axis of looks,
        of which the first `count` are trained. Returns weights, states, and what was seen, of
        shape (looks, 4, seeds, settings): loss, accuracy, and the two of the validation set.
        """
        none = tf.zeros((2, *weights[0].shape[:2]))

        def look(i, weights, states, seen):
            first = t + tf.cast(i, "int64") * order.shape[2]
            weights, states, *found = self._look(
                x, y, seeds, order[i], mask[i], rates[i], numbers, weights, states, first
            )
            val = self._evaluate(x_val, y_val, weights) if x_val.shape[0] else tf.unstack(none)
            now = tf.stack([*found, *val])
            return i + 1, weights, states, tf.tensor_scatter_nd_update(seen, [[i]], now[None])

        seen = tf.zeros((order.shape[0], 4, *weights[0].shape[:2]))
        _, weights, states, seen = tf.while_loop(
            lambda i, *_: i < count,
            look,
            (tf.constant(0), weights, states, seen),
            maximum_iterations=order.shape[0],
        )
        return weights, states, seen

    def _evaluate(self, x, y, weights):
        """Return loss and accuracy of all runs on one set of samples."""
        mask = tf.ones(y.shape[0])
        loss, hits = self._over_runs(lambda w: self._loss(w, x, y, mask, False), weights)
        return loss, hits / tf.cast(y.shape[0], "float32")


def _with_given_dropout(model):
    """Return the model, or if it has dropout a copy that is handed its noise."""
    dropouts = {id(layer) for layer in _dropouts(model)}

    def copy(layer):
        if id(layer) in dropouts:
            return GivenDropout(layer.rate)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=copy) if dropouts else model


_programs = OrderedDict()


def program(plans, seeds):
    """Return the compiled program for so many seeds of some plans of one kind.

    The same one whenever all shapes are the same, so that a second sweep compiles nothing.
    """
    plan, data, shape = plans[0], plans[0].dataset, (seeds, len(plans))
    rule, _, options, _ = _read(plan.sample)
    looks = _looks_a_call(plans, seeds)
    key = (
        structure(plan.template), rule, tuple(sorted(options.items())), shape, plan.batch_size,
        plan.updates_per_look, looks, data.x_train.shape, data.y_train.shape, data.x_val.shape,
    )  # fmt: skip
    if key not in _programs:
        _programs[key] = Program(plan.template, rule, options, looks)
    _programs.move_to_end(key)
    while len(_programs) > 64:  # what was used longest ago is compiled again if need be
        _programs.popitem(last=False)
    return _programs[key]


def _looks_a_call(plans, seeds):
    """Return how many looks one call trains: one if callbacks act after each, or if it is long."""
    if any(_acting(plan.callbacks()) for plan in plans):
        return 1
    plan = plans[0]
    weights = sum(int(np.prod(w.shape)) for w in plan.template.trainable_variables)
    work = weights * plan.updates_per_look * plan.batch_size * seeds * len(plans)
    return int(np.clip(2**29 // work, 1, 16))


def _acting(callbacks):
    """Return the callbacks that do something here (a LearningRateMonitor does not)."""
    return [c for c in callbacks if type(c) in CALLBACKS]


# ---- training --------------------------------------------------------------------------------


def train(plans, seeds, max_memory=MAX_MEMORY):
    """Train all plans from all seeds.

    Returns
    -------
    dict of (setting's position, seed) to dict of str to array of shape (looks,)
    """
    plans = _with_samples(plans)
    threads = joblib.cpu_count()
    groups = _groups(plans)
    parts = -(-threads // len(groups))
    chunks = [c for g in groups for c in _chunks(plans, g, seeds, parts, max_memory)]
    first = _FirstWeights(plans, seeds)
    compiled = [program([plans[i] for i in c], len(s)) for c, s in chunks]
    stop = threading.Event()
    done = [0] * len(chunks)  # looks x runs, told by the threads and shown by this one
    results, errors = {}, []
    total = len(seeds) * sum(plan.looks for plan in plans)
    pool = ThreadPoolExecutor(max_workers=threads)
    with tqdm(total=total, desc="training", unit="look", delay=1, leave=False) as bar:
        jobs = {
            pool.submit(_train_chunk, compiled[i], plans, c, s, first, stop, done, i)
            for i, (c, s) in enumerate(chunks)
        }
        try:
            while jobs:
                finished, jobs = wait(jobs, timeout=0.2, return_when=FIRST_COMPLETED)
                for job in sorted(finished, key=lambda job: job.exception() is not None):
                    if isinstance(job.exception(), Exception):
                        errors.append(job.exception())
                    else:  # which raises an interrupt
                        results |= job.result()
                bar.update(sum(done) - bar.n)
        except BaseException as error:
            stop.set()
            if not isinstance(error, KeyboardInterrupt) or not results:
                raise
            warnings.warn(interrupted(len(results), len(plans) * len(seeds)), stacklevel=4)
        finally:  # an interrupt does not wait: threads end by themselves after their present call
            pool.shutdown(wait=False, cancel_futures=True)
    if errors and not results:
        raise errors[0]
    if errors:  # what was computed is not lost to a part that failed
        reason = f"Failed with {type(errors[0]).__name__} ({errors[0]})"
        warnings.warn(interrupted(len(results), len(plans) * len(seeds), reason), stacklevel=4)
    return results


def _with_samples(plans):
    """Return the plans with what is left behind when plans are sent to another process."""
    built = {}
    for plan in plans:
        if plan.template is None and plan.model_key not in built:
            built[plan.model_key] = initial_model(plan, 0)
    return [
        replace(plan, template=built[plan.model_key], sample=plan.optimizer())
        if plan.template is None
        else plan
        for plan in plans
    ]


def interrupted(done, total, reason="Interrupted"):
    """Return what a sweep says when it could not finish."""
    return f"{reason}: {done} of {total} runs are finished, the others are NaN."


def _groups(plans):
    """Return lists of positions of the plans that one program can train together."""
    groups = {}
    for i, plan in enumerate(plans):
        rule, _, options, start = _read(plan.sample)
        key = (
            structure(plan.template), rule, str(options), str(start), id(plan.dataset),
            plan.batch_size, plan.updates_per_look, plan.looks,
        )  # fmt: skip
        groups.setdefault(key, []).append(i)
    # the longest first, so that no thread waits for it at the end
    return sorted(groups.values(), key=lambda g: -plans[g[0]].looks * plans[g[0]].updates_per_look)


def _chunks(plans, group, seeds, parts, max_memory):
    """Cut a group into (positions, seeds): one for each thread, none larger than the memory."""
    plan = plans[group[0]]
    weights = sum(int(np.prod(w.shape)) for w in plan.template.trainable_variables)
    widths = sum(int(np.prod(layer.output.shape[1:])) for layer in plan.template.layers)
    samples = max(plan.batch_size, len(plan.dataset.x_val))
    run = 4 * (6 * weights + 3 * samples * widths)
    many = max(1, int(max_memory // run))
    if len(seeds) >= parts:
        size = min(-(-len(seeds) // parts), max(1, many // len(group)))
        width = min(len(group), many)
    else:
        size = min(len(seeds), many)
        width = min(-(-len(group) // parts), max(1, many // size))
    return [
        (group[i : i + width], seeds[j : j + size])
        for i in range(0, len(group), width)
        for j in range(0, len(seeds), size)
    ]


def _read(optimizer):
    """Return an optimizer's rule, numbers, options, and where its state starts."""
    rule, names = RULES[type(optimizer)]
    numbers = {name: float(getattr(optimizer, name) or 0.0) for name in names}
    options, start = {}, {}
    if getattr(optimizer, "nesterov", False):
        rule = updates.nesterov
    if rule is updates.rmsprop:
        options["centered"] = bool(optimizer.centered)
    if rule is updates.adagrad:
        start["accumulator"] = float(optimizer.initial_accumulator_value)
    return rule, numbers, options, start


class _FirstWeights:
    """The first weights by model and seed, each drawn once however many settings share them."""

    def __init__(self, plans, seeds):
        self.drawn = {}
        for plan in plans:
            for seed in seeds:
                if (plan.model_key, seed) not in self.drawn:
                    self.drawn[plan.model_key, seed] = initial_model(plan, seed).get_weights()

    def stacked(self, plans, seeds):
        """Return one array (seeds, settings, ...) for each weight."""
        runs = [[self.drawn[plan.model_key, seed] for plan in plans] for seed in seeds]
        kinds = range(len(runs[0][0]))
        return [tf.constant(np.array([[run[k] for run in row] for row in runs])) for k in kinds]


def _rates(plan, optimizer, first, count):
    """Return the rates of some updates by schedule, or None if a plain number sets them."""
    schedule = optimizer._learning_rate
    if plan.schedule is not None:
        schedule = plan.schedule.for_optimizer(plan.updates_per_epoch)
    elif not scheduled(optimizer):
        return None
    steps = tf.range(first, first + count, dtype="int64")
    if plan.schedule is not None:
        return np.broadcast_to(schedule(steps).numpy(), count)
    return np.array([float(schedule(step)) for step in steps], dtype="float32")


class _Run:
    """One run as Keras' callbacks see it: a model with an optimizer, weights and a stop."""

    def __init__(self, plan, read_weights):
        rate = None if scheduled(plan.sample) else np.float32(plan.sample.learning_rate)
        self.optimizer = SimpleNamespace(learning_rate=rate)
        self.stop_training = False
        self.metrics = []
        self._read_weights, self.set_to = read_weights, None
        callbacks = _acting(plan.callbacks())
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
        self.set_to = weights

    def tell(self, event, *args, **kwargs):
        for callback in self.callbacks:
            getattr(callback, event)(*args, **kwargs)
            if self.optimizer.learning_rate is not None:  # float32, as in Keras' optimizers
                self.optimizer.learning_rate = np.float32(self.optimizer.learning_rate)


def _train_chunk(compiled, plans, positions, seeds, first, stop, done, chunk):
    """Train some settings from some seeds in one program; return results by (setting, seed)."""
    chosen = [plans[i] for i in positions]
    plan, data = chosen[0], chosen[0].dataset
    optimizers = [p.sample for p in chosen]
    rule, _, _, start = _read(optimizers[0])
    shape = (len(seeds), len(chosen))
    numbers = {
        name: _tile([_read(o)[1][name] for o in optimizers], len(seeds))
        for name in _read(optimizers[0])[1]
    }
    weights = first.stacked(chosen, seeds)
    states = [updates.initial_state(rule, w, **start) for w in weights]
    x, y = _on_device(data, "train")
    x_val, y_val = _on_device(data, "val")

    grid = [(j, k) for j in range(len(seeds)) for k in range(len(chosen))]
    kept = {}  # the weights of runs that stopped early
    current = {}  # this look's weights as numpy, read only if a callback asks

    def reader(j, k):
        def read():
            if "weights" not in current:
                current["weights"] = [w.numpy() for w in weights]
            return [w[j, k].copy() for w in current["weights"]]

        return read

    runs = {(j, k): _Run(chosen[k], reader(j, k)) for j, k in grid}
    alive = np.ones(shape, dtype=bool)
    logs = {}
    lengths = np.zeros(shape, dtype=int)
    count = plan.updates_per_look
    orders = _Orders(
        seeds, len(data.x_train), plan.batch_size, plan.updates_per_epoch, compiled.looks
    )
    noise_seeds = tf.constant(seeds, "int64")
    for look in range(0, plan.looks, compiled.looks):
        if stop.is_set():
            return {}
        now = min(compiled.looks, plan.looks - look)
        rates = np.zeros((compiled.looks, count, *shape), dtype="float32")
        for k, (p, optimizer) in enumerate(zip(chosen, optimizers, strict=True)):
            planned = _rates(p, optimizer, look * count, now * count)
            for j in range(len(seeds)):
                if alive[j, k]:
                    runs[j, k].tell("on_epoch_begin", look)
                if planned is None:
                    rates[:now, :, j, k] = runs[j, k].optimizer.learning_rate
                else:
                    rates[:now, :, j, k] = planned.reshape(now, count)
        weights, states, seen = compiled.train(
            x, y, x_val, y_val, noise_seeds, tf.constant(now), *orders.looks(look, now, count),
            rates, numbers, weights, states, tf.constant(look * count, "int64"),
        )  # fmt: skip
        seen = seen.numpy()[:now].astype("float64")
        found = {name: seen[:, i] for i, name in enumerate(METRICS[: 4 if len(data.x_val) else 2])}
        found["learning_rate"] = rates[:now, -1].astype("float64")
        for name, value in found.items():
            logs.setdefault(name, []).append(value)
        lengths[alive] = look + now
        done[chunk] += len(grid) * now
        current.clear()
        for j, k in grid:
            run = runs[j, k]
            if alive[j, k] and run.callbacks:
                run.tell("on_epoch_end", look, {n: float(v[0, j, k]) for n, v in found.items()})
                if run.stop_training:
                    alive[j, k] = False
                    kept[j, k] = run.get_weights()
        if not alive.any():
            break
    for j, k in grid:
        runs[j, k].tell("on_train_end")
        if runs[j, k].set_to is not None:
            kept[j, k] = runs[j, k].set_to
    return _results(
        compiled, plan, positions, seeds, grid, {n: np.concatenate(v) for n, v in logs.items()},
        lengths, weights, kept,
    )  # fmt: skip


def _results(compiled, plan, positions, seeds, grid, logs, lengths, weights, kept):
    """Cut what a chunk recorded into its runs, and look at the test set if that was asked."""
    weights = [w.numpy() for w in weights]
    for (j, k), own in kept.items():
        for stack, value in zip(weights, own, strict=True):
            stack[j, k] = value
    results = {
        (positions[k], seeds[j]): {n: v[: lengths[j, k], j, k] for n, v in logs.items()}
        for j, k in grid
    }
    if plan.test:
        loss, accuracy = compiled.evaluate(*_on_device(plan.dataset, "test"), weights)
        for j, k in grid:
            results[positions[k], seeds[j]] |= {
                "test_loss": float(loss[j, k]), "test_accuracy": float(accuracy[j, k]),
            }  # fmt: skip
    for j, k in grid:
        results[positions[k], seeds[j]]["weights"] = [w[j, k] for w in weights]
    return results


class _Orders:
    """The samples of each update, by seed, with short last batches filled up and masked."""

    def __init__(self, seeds, n, batch_size, per_epoch, looks_a_call):
        self.seeds, self.n, self.batch_size, self.per_epoch = seeds, n, batch_size, per_epoch
        self.looks_a_call = looks_a_call
        mask = np.zeros((per_epoch, batch_size), dtype="float32")
        mask.flat[:n] = 1
        self.mask = mask
        self.epoch = lru_cache(maxsize=2)(self._epoch)

    def _epoch(self, epoch):
        order = np.zeros((len(self.seeds), self.per_epoch * self.batch_size), dtype="int32")
        for j, seed in enumerate(self.seeds):
            order[j, : self.n] = _order(seed, epoch, self.n)
        return order.reshape(len(self.seeds), self.per_epoch, self.batch_size)

    def looks(self, look, now, count):
        """Return the order (looks, seeds, updates, batch) and mask (looks, updates, batch).

        Of `now` looks with `count` updates each; what lies behind them is filled with zeros.
        """
        shape = (self.looks_a_call, len(self.seeds), count, self.batch_size)
        order = np.zeros(shape, dtype="int32")
        mask = np.zeros((self.looks_a_call, count, self.batch_size), dtype="float32")
        for i in range(now):
            for u in range(count):
                epoch, batch = divmod((look + i) * count + u, self.per_epoch)
                order[i, :, u] = self.epoch(epoch)[:, batch]
                mask[i, u] = self.mask[batch]
        return order, mask


def _tile(values, seeds):
    """Return one number a setting as float32 (seeds, settings)."""
    return tf.constant(np.tile(np.array(values, dtype="float32"), (seeds, 1)))


def _on_device(data, part):
    """Return the inputs and labels of a part of a data set as tensors."""
    return tf.constant(getattr(data, f"x_{part}")), tf.constant(getattr(data, f"y_{part}"))
