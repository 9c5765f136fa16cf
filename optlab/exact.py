"""What the ensemble reads of Keras' models and optimizers, and what of theirs it refuses.

The one place that looks inside Keras' objects: which update rule an optimizer follows and with
which numbers, when two models compute the same, and why some cannot be trained together exactly.
"""

import json
import re
import warnings

import keras
import numpy as np
import tensorflow as tf

from . import chance, updates
from .schedules import rates_at

# What is read of each Keras optimizer: our rule, and the numbers it takes.
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
PRECISIONS = ("float32", "float64")


# ---- optimizers ------------------------------------------------------------------------------


def read_optimizer(optimizer):
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


def scheduled(optimizer):
    """Return whether a Keras optimizer was built with a schedule."""
    schedule = keras.optimizers.schedules.LearningRateSchedule
    return isinstance(optimizer._learning_rate, schedule)


def planned_rates(plan, optimizer):
    """Return the rates of all updates, float32 (updates,), or None if a plain number sets them."""
    schedule = optimizer._learning_rate
    if plan.schedule is not None:
        schedule = plan.schedule.for_optimizer(plan.updates_per_epoch)
    elif not scheduled(optimizer):
        return None
    return rates_at(schedule, np.arange(plan.looks * plan.updates_per_look))


def refuse_optimizer(optimizer):
    """Return why an optimizer cannot be followed exactly, or None."""
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
    if int(keras.ops.convert_to_numpy(optimizer.iterations)):
        return f"{name} has made updates before."
    return None


# ---- callbacks -------------------------------------------------------------------------------


def acting(callbacks):
    """Return the callbacks that do something here (a LearningRateMonitor does not)."""
    return [c for c in callbacks if type(c) in CALLBACKS]


def refuse_callbacks(callbacks):
    """Return why some callbacks cannot act as in `model.fit`, or None."""
    for callback in callbacks:
        if type(callback) not in CALLBACKS and type(callback).__name__ != "LearningRateMonitor":
            return f"it knows no callback {type(callback).__name__}."
    return None


# ---- models ----------------------------------------------------------------------------------


class GivenDropout(keras.layers.Layer):
    """Dropout whose noise is handed in from outside, so that each seed has its own."""

    def __init__(self, rate):
        super().__init__()
        self.rate, self.noise, self.calls = rate, None, 0

    def call(self, inputs, training=False):
        """Drop where the noise (uniform in [0, 1)) lies below the rate; scale up the rest."""
        if not training:
            return inputs
        self.calls += 1
        return tf.where(self.noise >= self.rate, inputs / (1 - self.rate), tf.zeros_like(inputs))


def dropouts(model):
    """Return the dropout layers that drop something."""
    return [d for d in model._flatten_layers() if type(d) is keras.layers.Dropout and d.rate > 0]


def with_given_dropout(model):
    """Return the model, or if it has dropout a copy that is handed its noise."""
    own = {id(layer) for layer in dropouts(model)}

    def copy(layer):
        if id(layer) in own:
            return GivenDropout(layer.rate)
        return type(layer).from_config(layer.get_config())

    if not own:
        return model
    with chance.restored():  # new layers draw
        return keras.models.clone_model(model, clone_function=copy, recursive=True)


def structure(model):
    """Return a text that is equal for models of equal computation, whatever their names.

    A model whose text would not tell (with functions or classes of one's own) is equal to itself
    only.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "the object being serialized includes a lambda"
        try:
            return json.dumps(_nameless(keras.saving.serialize_keras_object(model)))
        except Exception:  # what cannot be written down cannot be compared
            return f"model {id(model)}"


def _nameless(config, places=None):
    """Return a Keras configuration without names; who feeds whom is told by the layers' places."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return config["config"]
        if config.get("registered_name") not in (None, "Functional") or {*config} == {"value"}:
            raise TypeError("a function or class of one's own, or a lambda (as its code only)")
        if "layers" in config and "input_layers" in config:
            places = {layer["name"]: i for i, layer in enumerate(config["layers"])}
        kept = {}
        for key, value in config.items():
            # a seed or initializer decides the first weights, not what is computed with them
            if key in ("name", "seed", "shared_object_id") or key.endswith("initializer"):
                continue
            if key in ("input_layers", "output_layers", "keras_history"):
                kept[key] = _places(value, places)
            else:
                kept[key] = _nameless(value, places)
        return kept
    if isinstance(config, (list, tuple)):
        return [_nameless(value, places) for value in config]
    return config


def _places(value, places):
    """Return the same nest with the names of layers replaced by their places."""
    if isinstance(value, dict):
        return {key: _places(entry, places) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_places(entry, places) for entry in value]
    return places[value] if isinstance(value, str) else value


def refuse_model(model, dataset):
    """Return why a model's runs cannot be trained together exactly, or None."""
    for layer in model._flatten_layers():
        name = type(layer).__name__
        if not type(layer).__module__.startswith("keras.") or type(layer) is keras.layers.Lambda:
            return f"the model has a part of one's own, {name}."
        if getattr(layer, "activity_regularizer", None):
            return f"the model's {name} has an activity_regularizer."
        if layer.compute_dtype not in PRECISIONS or layer.compute_dtype != model.compute_dtype:
            return f"the model's {name} computes in {layer.compute_dtype}."
        if type(layer) is keras.layers.Dropout and (layer.noise_shape or layer.seed is not None):
            return "the model's Dropout has a seed or a noise_shape of its own."
    if model.compute_dtype != keras.config.floatx():
        return f"the model computes in {model.compute_dtype} and Keras in {keras.config.floatx()}."
    if not model.trainable_variables:
        return "the model has no trainable weights."
    noise = {id(d.seed_generator.state) for d in dropouts(model)}
    if any(id(variable) not in noise for variable in model.non_trainable_variables):
        return "the model keeps state beside its trainable weights (as BatchNormalization does)."
    if any(w.constraint is not None for w in model.trainable_variables):
        return "the model has a constraint on its weights."
    try:
        return _refuse_computation(model, dataset)
    except Exception as error:  # Keras raises what a layer's configuration happens to raise
        return f"the model cannot be copied or computed apart ({reason(error)})."


def _refuse_computation(model, dataset):
    """Return what only a computation shows: rows that depend on each other, a mask, no gradient."""
    if any(None in layer.output.shape[1:] for layer in model.layers):
        return "the model takes inputs of unknown length."
    copy = with_given_dropout(model)
    given = [d for d in copy._flatten_layers() if isinstance(d, GivenDropout)]
    if len(given) != len(dropouts(model)):
        return "the model has dropout in a part that cannot be copied."
    for layer in given:  # drops some of what passes, the same in every row
        layer.noise = np.linspace(0, 1, int(np.prod(layer.output.shape[1:])), dtype="float32")
        layer.noise = layer.noise.reshape(1, *layer.output.shape[1:])
    x = dataset.x_train[:3]
    other = np.concatenate([x[:1], 7 * x[::-1][: len(x) - 1] + 1])
    weights = [w.value for w in model.trainable_variables]

    def outputs(x, training):
        return copy.stateless_call(weights, [], tf.constant(x), training=training)[0]

    for training in (False, True):
        first = outputs(x[:1], training)
        if getattr(first, "_keras_mask", None) is not None:
            return "the model's output carries a mask."
        for rows in (x, other):
            if not np.allclose(outputs(rows, training)[:1], first, 1e-3, 1e-5, equal_nan=True):
                return "the model's output for a sample depends on the others of its batch."
    if any(layer.calls != 3 for layer in given):
        return "the model calls a Dropout more than once."
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_sum(outputs(x, True)[:, 0])
    if None in tape.gradient(loss, weights):
        return "the model has a weight on which its output does not depend."
    return None


def reason(error):
    """Return the first line of an error that says something, without colours."""
    plain = re.sub(r"\x1b\[\d+m", "", str(error))
    lines = [line.strip().rstrip(".") for line in plain.splitlines() if line.strip()]
    # Keras wraps what a layer raises
    lines = [line for line in lines if not line.startswith("Exception encountered")] or lines
    return lines[0] if lines else type(error).__name__
