"""What the ensemble reads of Keras' models and optimizers, and what of theirs it refuses.

The one place that looks inside Keras' objects: which update rule an optimizer follows and with
which numbers, when two models compute the same, and why some cannot be trained together exactly.
"""

import json
import re
import warnings
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from . import chance, updates
from .schedule import rates_at

FTRL = [
    "learning_rate_power", "l1_regularization_strength", "l2_regularization_strength",
    "l2_shrinkage_regularization_strength", "beta",
]  # fmt: skip
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
    keras.optimizers.Lion: (updates.lion, ["beta_1", "beta_2"]),
    keras.optimizers.Lamb: (updates.lamb, ["beta_1", "beta_2", "epsilon"]),
    keras.optimizers.Ftrl: (updates.ftrl, FTRL),
}
if hasattr(keras.optimizers, "Muon"):  # from Keras 3.10
    RULES[keras.optimizers.Muon] = (updates.muon, ["momentum", "rms_rate"])
CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
REFUSED_OPTIONS = ("use_ema", "loss_scale_factor", "gradient_accumulation_steps")
CALLBACKS = {
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.EarlyStopping,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.TerminateOnNaN,
}
PRECISIONS = ("float32", "float64")


# ---- optimizers ------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What an optimizer does, in our terms."""

    rule: Callable  # of `optlab.updates`
    numbers: dict  # of float: the rule's hyperparameters, and those of `besides`
    options: dict  # what the rule takes and all runs of a program share
    start: dict  # where its state starts
    besides: tuple  # what is done with gradients and weights beside the rule

    def rule_of(self, shape):
        """Return the rule for a weight of a shape: Muon leaves to Adam what is no matrix."""
        return updates.adam if self.rule is updates.muon and len(shape) != 2 else self.rule

    @property
    def kind(self):
        """What is equal for optimizers that one program can follow."""
        return self.rule, *self.options.items(), *self.start.items(), *self.besides


def read_optimizer(optimizer):
    """Return what an optimizer does."""
    rule, names = RULES[type(optimizer)]
    if rule is updates.momentum and optimizer.nesterov:
        rule = updates.nesterov
    if getattr(optimizer, "amsgrad", False):
        rule, names = updates.amsgrad, ["beta_1", "beta_2", "epsilon"]
    options, start = {}, {}
    if rule is updates.rmsprop:
        options["centered"] = bool(optimizer.centered)
    if rule in (updates.adagrad, updates.ftrl):
        start["accumulator"] = float(optimizer.initial_accumulator_value)
    besides = [name for name in CLIPS if (getattr(optimizer, name) or 0) > 0]
    if optimizer.weight_decay and "weight_decay" not in names:
        besides.append("weight_decay")
    numbers = {name: float(getattr(optimizer, name) or 0.0) for name in (*names, *besides)}
    if rule is updates.muon:
        numbers["epsilon"] = float(optimizer.epsilon)
        numbers |= {
            name: float(getattr(optimizer, f"adam_{name}")) for name in ("beta_1", "beta_2")
        }
    return Reading(rule, numbers, options, start, tuple(besides))


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
    if getattr(optimizer, "_exclude_from_weight_decay_pattern", None):
        return f"{name} is used with exclude_from_weight_decay."
    if name == "Muon" and (other := _other_muon(optimizer)):
        return f"Muon is used with another {other}."
    if callable(optimizer._learning_rate) and not scheduled(optimizer):
        return f"the learning rate of {name} is a function: give a number or a schedule."
    if int(keras.ops.convert_to_numpy(optimizer.iterations)):
        return f"{name} has made updates before."
    return None


def _other_muon(optimizer):
    """Return which option of a Muon is none of those that our rule follows, or None."""
    usual = keras.optimizers.Muon(adam_weight_decay=optimizer.weight_decay).get_config()
    names = ("ns_steps", "nesterov", "muon_a", "muon_b", "muon_c", "adam_lr_ratio",
             "adam_weight_decay", "exclude_layers", "exclude_embeddings")  # fmt: skip
    config = optimizer.get_config()
    return next(
        (name for name in names if config.get(name) != usual.get(name)),
        None if config.get("rms_rate") else "rms_rate",
    )


# ---- callbacks -------------------------------------------------------------------------------


def acting(callbacks):
    """Return the callbacks that do something here (a LearningRateMonitor does not)."""
    return [c for c in callbacks if type(c) in CALLBACKS]


def stops_at_nan(plan):
    """Return whether a plan's runs end with the batch that makes their loss no number."""
    return any(type(c) is keras.callbacks.TerminateOnNaN for c in plan.callbacks())


def refuse_callbacks(callbacks):
    """Return why some callbacks cannot act as in `model.fit`, or None."""
    for callback in callbacks:
        if type(callback) not in CALLBACKS and type(callback).__name__ != "LearningRateMonitor":
            return f"it knows no callback {type(callback).__name__}."
    return None


# ---- models ----------------------------------------------------------------------------------


class GivenNoise(keras.layers.Layer):
    """A layer whose noise is handed in from outside, so that each seed has its own."""

    def __init__(self, layer):
        super().__init__()
        self.normal = type(layer) is keras.layers.GaussianNoise  # else uniform in [0, 1)
        self.size = layer.stddev if self.normal else layer.rate
        self.noise, self.calls = None, 0

    def call(self, inputs, training=False):
        """Add the noise, or drop where it lies below the rate and scale up the rest."""
        if not training:
            return inputs
        self.calls += 1
        if self.normal:
            return inputs + self.size * tf.cast(self.noise, inputs.dtype)
        return tf.where(self.noise >= self.size, inputs / (1 - self.size), tf.zeros_like(inputs))


def noisy(model):
    """Return the layers that draw noise in training: those that drop something, or add some."""
    sizes = {keras.layers.Dropout: "rate", keras.layers.GaussianNoise: "stddev"}
    return [d for d in model._flatten_layers() if getattr(d, sizes.get(type(d), ""), 0) > 0]


def with_given_noise(model):
    """Return the model, or if it draws noise a copy that is handed it."""
    own = {id(layer) for layer in noisy(model)}

    def copy(layer):
        if id(layer) in own:
            return GivenNoise(layer)
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


def normalizations(model):
    """Return the layers that normalize by the samples of a batch."""
    kind = keras.layers.BatchNormalization
    return [n for n in model._flatten_layers() if type(n) is kind and n.trainable]


def _refuse_state(model, samples, batch_size):
    """Return why what a model keeps beside its trainable weights cannot be followed, or None."""
    known = {id(d.seed_generator.state) for d in noisy(model)}
    for layer in normalizations(model):
        known |= {id(layer.moving_mean), id(layer.moving_variance)}
        if layer.synchronized or getattr(layer, "renorm", False):
            return "the model's BatchNormalization is synchronized or renormalizes."
        if samples % batch_size:
            return (
                "a BatchNormalization would see a last batch that is shorter: a batch size that "
                f"divides {samples} trains all runs at once."
            )
    if any(id(variable) not in known for variable in model.non_trainable_variables):
        return "the model keeps weights that are not trained."
    return None


def refuse_model(plan):
    """Return why a plan's models cannot be trained together exactly, or None."""
    model = plan.template
    drawing = noisy(model)
    for layer in model._flatten_layers():
        name = type(layer).__name__
        if not type(layer).__module__.startswith("keras.") or type(layer) is keras.layers.Lambda:
            return f"the model has a part of one's own, {name}."
        if "Conv" in name:
            return f"it has no quick way to train the model's {name} in many runs at once."
        if getattr(layer, "activity_regularizer", None):
            return f"the model's {name} has an activity_regularizer."
        if layer.compute_dtype not in PRECISIONS or layer.compute_dtype != model.compute_dtype:
            return f"the model's {name} computes in {layer.compute_dtype}."
        if layer in drawing and (getattr(layer, "noise_shape", None) or layer.seed is not None):
            return f"the model's {name} has a seed or a noise_shape of its own."
    if model.compute_dtype != keras.config.floatx():
        return f"the model computes in {model.compute_dtype} and Keras in {keras.config.floatx()}."
    if not model.trainable_variables:
        return "the model has no trainable weights."
    if reason := _refuse_state(model, len(plan.dataset.x_train), plan.batch_size):
        return reason
    if any(w.constraint is not None for w in model.trainable_variables):
        return "the model has a constraint on its weights."
    try:
        return _refuse_computation(model, plan.dataset)
    except Exception as error:  # Keras raises what a layer's configuration happens to raise
        return f"the model cannot be copied or computed apart ({reason(error)})."


def _refuse_computation(model, dataset):
    """Return what only a computation shows: rows that depend on each other, a mask, no gradient."""
    if any(None in layer.output.shape[1:] for layer in model.layers):
        return "the model takes inputs of unknown length."
    copy = with_given_noise(model)
    given = [d for d in copy._flatten_layers() if isinstance(d, GivenNoise)]
    if len(given) != len(noisy(model)):
        return "the model has dropout or noise in a part that cannot be copied."
    for layer in given:  # drops some of what passes, the same in every row
        layer.noise = np.linspace(0, 1, int(np.prod(layer.output.shape[1:])), dtype="float32")
        layer.noise = layer.noise.reshape(1, *layer.output.shape[1:])
    x = dataset.x_train[:3]
    other = np.concatenate([x[:1], 7 * x[::-1][: len(x) - 1] + 1])
    weights = [w.value for w in model.trainable_variables]
    kept = [w.value for w in model.weights if not w.trainable]

    def outputs(x, training):
        return copy.stateless_call(weights, kept, tf.constant(x), training=training)[0]

    # in training, a BatchNormalization looks at the others, as it should
    for training in (False,) if normalizations(model) else (False, True):
        first = outputs(x[:1], training)
        if getattr(first, "_keras_mask", None) is not None:
            return "the model's output carries a mask."
        for rows in (x, other):
            if not np.allclose(outputs(rows, training)[:1], first, 1e-3, 1e-5, equal_nan=True):
                return "the model's output for a sample depends on the others of its batch."
    for layer in given:
        layer.calls = 0
    outputs(x, True)
    if any(layer.calls != 1 for layer in given):
        return "the model calls a Dropout or a GaussianNoise more than once."
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
