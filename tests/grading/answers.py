"""What students hand in: wrong answers with the test cells they must lose, and right ones.

An answer changes a few cells of the reference solution. "Right" means full marks, however the
code is written.
"""

from course import replaced

SYNTAX = "def oops(:\n    return"
GAINS = {"test_gain_short", "test_gain_long", "test_flattery"}

WRONG = {
    "d1_tune_by_validation": {
        "final models of another choice": (
            {
                "final_2": replaced("digits, best_2", "digits, {**best_2, 'learning_rate': 0.01}"),
                "final_3": replaced("digits, best_3", "digits, {**best_3, 'learning_rate': 0.001}"),
            },
            {"test_final_2", "test_final_3"},
        ),
        "accuracies typed in": (
            {
                f"final_{i}": replaced(
                    f"finish(train, accuracy, digits, best_{i}, SEEDS)", f"{1380 + 10 * i} / 1491"
                )
                for i in (1, 2, 3)
            },
            {"test_final_1", "test_final_2", "test_final_3"},
        ),
        "one seed three times": (
            {"search_1": replaced("settings_1, SEEDS)", "settings_1, [SEEDS[0]] * 3)")},
            {"test_final_1"},
        ),
        "no scores": (
            {
                "search_1": replaced(
                    "validate(train, accuracy, digits, settings_1, SEEDS)", "np.zeros((4, 3))"
                )
            },
            {"test_final_1"},
        ),
        "always the first setting": (
            {"choose": "def choose(settings, scores):\n    return settings[0]"},
            {"test_choose", "test_best_2", "test_final_3"},
        ),
        "Keras keeps a tenth for itself": (
            {"train": replaced("verbose=0", "verbose=0, validation_split=0.1")},
            {"test_train_batch_size"},
        ),
        "part 3: Nesterov": (
            {"search_3": replaced("momentum=momentum)", "momentum=momentum, nesterov=True)")},
            {"test_search_3"},
        ),
        "chooses by the test set": (
            {"validate": replaced("data.x_val, data.y_val", "data.x_test, data.y_test")},
            {"test_validate"},
        ),
        "batch size looped over, not passed": (
            {"train": replaced("batch_size=batch_size, ", "")},
            {"test_train_batch_size"},
        ),
        "one optimizer reused": (
            {
                "train": lambda source: (
                    "SHARED = keras.optimizers.SGD(0.1)\n"
                    + replaced("keras.optimizers.SGD(learning_rate, momentum=momentum)", "SHARED")(
                        source
                    )
                )
            },
            {
                "test_train_rate",
                "test_train_batch_size",
                "test_train_fresh",
                "test_final_1",
                "test_final_2",
                "test_final_3",
            },
        ),
        "the seed is ignored": (
            {"train": replaced("set_random_seed(seed)", "set_random_seed(0)")},
            {"test_train_fresh"},
        ),
        "momentum never reaches the optimizer": (
            {"train": replaced(", momentum=momentum)", ")")},
            {"test_train_rate"},
        ),
        "one seed for all": (
            {"validate": replaced("seed=seed", "seed=seeds[0]")},
            {"test_validate"},
        ),
        "validates on what it trained on": (
            {"validate": replaced("data.x_val, data.y_val", "data.x_train, data.y_train")},
            {"test_validate"},
        ),
        "no final model": (
            {"finish": replaced("both = data.join_val()", "both = data")},
            {"test_finish"},
        ),
        "many looks at the test set, the best reported": (
            {"finish": replaced("np.mean(", "np.max(")},
            {"test_finish"},
        ),
        "the luckiest run wins": (
            {"choose": replaced("np.mean(scores, axis=1)", "np.max(scores, axis=1)")},
            {"test_choose"},
        ),
        "a diverged run is skipped": (
            {"choose": replaced("np.mean(scores, axis=1)", "np.nanmean(scores, axis=1)")},
            {"test_choose"},
        ),
        "the search looks at the test set": (
            {"search_2": replaced("seeds=SEEDS,\n", "seeds=SEEDS, test=True,\n")},
            {"test_search_2"},
        ),
        "batch size not searched": (
            {"search_2": replaced(', "batch_size": BATCH_SIZES', "")},
            {"test_search_2", "test_best_2"},
        ),
        "momentum searched, not handed over": (
            {"search_3": replaced("learning_rate, momentum=momentum)", "learning_rate)")},
            {"test_search_3"},
        ),
        "part 2: the rate never reaches the optimizer": (
            {"search_2": replaced("SGD(learning_rate)", "SGD()")},
            {"test_search_2"},
        ),
        "part 2: not plain SGD": (
            {"search_2": replaced("SGD(learning_rate)", "SGD(learning_rate, momentum=0.5)")},
            {"test_search_2"},
        ),
        "a validation accuracy reported": (
            {
                "final_1": replaced(
                    "finish(train, accuracy, digits, best_1, SEEDS)",
                    "float(scores_1.mean(axis=1).max())",
                )
            },
            {"test_final_1"},
        ),
        "chooses by the median": (
            {"choose": replaced("np.mean(scores, axis=1)", "np.median(scores, axis=1)")},
            {"test_choose"},
        ),
        "reports the median": (
            {"finish": replaced("np.mean(", "np.median(")},
            {"test_finish"},
        ),
        "short batches not counted": (
            {"updates_needed": replaced("-(-samples // setting", "(samples // setting")},
            {"test_updates_needed"},
        ),
        "syntax error": (
            {"choose": SYNTAX},
            {"test_choose", "test_final_1", "test_best_2", "test_final_2", "test_final_3"},
        ),
    },
    "d2_write_schedules": {
        "Keras keeps a fifth for itself": (
            {"fit_with": replaced("verbose=0", "verbose=0, validation_split=0.2")},
            {"test_fit_with"},
        ),
        "a rounded schedule": (
            {
                "exponential": replaced(
                    "rate * math.exp(-k * epoch)", "round(rate * math.exp(-k * epoch), 4)"
                )
            },
            {"test_exponential", "test_compare"},
        ),
        "the constant schedule": (
            {"exponential": "def exponential(epoch, rate=0.01, k=0.1):\n    return rate"},
            {"test_exponential", "test_compare"},
        ),
        "the rate grows": (
            {"exponential": replaced("-k * epoch", "k * epoch")},
            {"test_exponential", "test_compare"},
        ),
        "the formula applied to its own result": (
            {
                "time_based": "def time_based(step, rate=0.1, decay=0.001):\n"
                "    for t in range(1, step + 1):\n"
                "        rate = rate / (1 + decay * t)\n"
                "    return rate"
            },
            {"test_time_based", "test_rate_at_epoch"},
        ),
        "drops one epoch early": (
            {"step_decay": replaced("(epoch // every)", "((1 + epoch) // every)")},
            {"test_step_decay", "test_compare"},
        ),
        "falls smoothly where it should drop": (
            {"step_decay": replaced("epoch // every", "epoch / every")},
            {"test_step_decay", "test_compare"},
        ),
        "per epoch where it is per update": (
            {"rate_at_epoch": replaced("epoch * updates_per_epoch", "epoch")},
            {"test_rate_at_epoch"},
        ),
        "short batches not counted": (
            {"rate_at_epoch": replaced("-(-samples // batch_size)", "samples // batch_size")},
            {"test_rate_at_epoch"},
        ),
        "the current rate decays again": (
            {"fit_with": replaced("lambda epoch: schedule(epoch)", "schedule")},
            {"test_fit_with_trap"},
        ),
        "batch size not passed": (
            {"fit_with": replaced("batch_size=batch_size, ", "")},
            {"test_fit_with"},
        ),
        "the schedule is not used": (
            {"fit_with": replaced("callbacks=[follow], ", "")},
            {"test_fit_with", "test_fit_with_trap"},
        ),
        "all three follow the last schedule": (
            {
                "compare": replaced(
                    "{name: follow(schedule) for name, schedule in schedules.items()}",
                    "late(schedules)",
                ),
                "rate_at_epoch": lambda source: (
                    source + "\n\ndef late(schedules):\n"
                    "    made = {}\n"
                    "    for name in schedules:\n"
                    "        made[name] = lambda: [keras.callbacks.LearningRateScheduler(\n"
                    "            lambda epoch: schedules[name](epoch))]\n"
                    "    return made\n"
                ),
            },
            {"test_compare"},
        ),
        "one seed": (
            {"compare": replaced("\n    SEEDS,\n", "\n    [0],\n")},
            {"test_compare", "test_effect"},
        ),
        "its own seeds in place of those it gets": (
            {"compare": replaced("seeds=seeds", "seeds=SEEDS")},
            {"test_compare"},
        ),
        "not plain SGD": (
            {"compare": replaced("SGD(0.1)", "SGD(0.1, momentum=0.9)")},
            {"test_compare"},
        ),
        "percent taken for a fraction": (
            {"effect": replaced("at_least=0.01", "at_least=1")},
            {"test_effect"},
        ),
        "the difference of the means": (
            {"effect": replaced("judged =", "lead = np.full(len(SEEDS), lead.mean())\njudged =")},
            {"test_effect"},
        ),
        "syntax error": (
            {"step_decay": SYNTAX},
            {"test_step_decay", "test_compare", "test_effect"},
        ),
    },
    "d3_restart": {
        "Nesterov": (
            {"runs": replaced("momentum=0.9)", "momentum=0.9, nesterov=True)")},
            {"test_runs"},
        ),
        "without momentum": ({"runs": replaced(", momentum=0.9", "")}, {"test_runs"}),
        "another batch size": ({"runs": replaced("batch_size=32", "batch_size=64")}, {"test_runs"}),
        "warm restarts with momentum": (
            {"warm": replaced("SGD(0.1)", "SGD(0.1, momentum=0.9)")},
            {"test_warm"},
        ),
        "warm restarts in small batches": (
            {"warm": replaced("batch_size=32", "batch_size=16")},
            {"test_warm"},
        ),
        "the gain turned round": (
            {"warm": replaced("print(warm_gain", "warm_gain = -warm_gain\nprint(warm_gain")},
            {"test_warm_gain"},
        ),
        "chooses by the test set": (
            {"restart": replaced("data.x_val, data.y_val", "data.x_test, data.y_test")},
            {"test_restart"},
        ),
        "chooses by the training set": (
            {"restart": replaced("data.x_val, data.y_val", "data.x_train, data.y_train")},
            {"test_restart", "test_restart_model"},
        ),
        "returns the last model": (
            {"restart": replaced("models[best]", "models[-1]")},
            {"test_restart_model"},
        ),
        "trains the best again": (
            {
                "restart": replaced(
                    "models[best]", "train(data.x_train, data.y_train, seed=seeds[best])"
                )
            },
            {"test_restart_model"},
        ),
        "always the same start": (
            {"restart": replaced("seed=seed)", "seed=seeds[0])")},
            {"test_restart", "test_restart_model"},
        ),
        "picks by the test accuracy": (
            {"best_of": replaced("picked = val.argmax", "picked = test.argmax")},
            {"test_best_of", *GAINS},
        ),
        "reports the best test accuracy": (
            {"best_of": replaced("test[np.arange(groups), picked]", "test.max(axis=1)")},
            {"test_best_of", *GAINS},
        ),
        "groups the wrong way": (
            {"best_of": replaced("val.argmax(axis=1)", "val.argmax(axis=0)[:groups]")},
            {"test_best_of", *GAINS},
        ),
        "compares with the mean of all": (
            {
                "gains": replaced(
                    "return picked_test - means_test", "return picked_test - test.mean()"
                )
            },
            {"test_gain_short", "test_gain_long"},
        ),
        "the test set stays closed in a study of it": (
            {"runs": replaced("seeds=SEEDS, test=True", "seeds=SEEDS")},
            {"test_runs", *GAINS},
        ),
        "the cycles do not grow": (
            {"warm_restarts": replaced("length * factor", "length")},
            {"test_warm_restarts", "test_warm"},
        ),
        "the constant schedule": (
            {
                "warm_restarts": "def warm_restarts(epoch, rate=0.1, first=8, factor=2):\n"
                "    return rate"
            },
            {"test_warm_restarts", "test_warm"},
        ),
        "the cycles grow by a sum, seen late": (
            {
                "warm_restarts": """
def warm_restarts(epoch, rate=0.1, first=8, factor=2):
    length, cycle = first, 1
    while epoch >= length:
        epoch, length, cycle = epoch - length, first * factor * cycle, cycle + 1
    return rate * (1 + math.cos(math.pi * epoch / length)) / 2
"""
            },
            {"test_warm_restarts"},
        ),
        "epochs counted from 1": (
            {"warm_restarts": replaced("length = first\n", "length = first\n    epoch += 1\n")},
            {"test_warm_restarts", "test_warm"},
        ),
        "the current rate decays again": (
            {
                "warm": replaced(
                    "follow(lambda epoch: warm_restarts(epoch))", "follow(warm_restarts)"
                )
            },
            {"test_warm"},
        ),
        "one seed": (
            {"warm": replaced("seeds=SEEDS[:10]", "seeds=[0]")},
            {"test_warm", "test_warm_gain"},
        ),
        "syntax error": ({"best_of": SYNTAX}, {"test_best_of", *GAINS}),
    },
    "d4_search_a_grid": {
        "the search with Nesterov": (
            {"search": replaced("momentum=momentum)", "momentum=momentum, nesterov=True)")},
            {"test_search"},
        ),
        "the search in larger batches": (
            {"search": replaced("batch_size=32", "batch_size=64")},
            {"test_search"},
        ),
        "an accuracy typed in": (
            {"final": replaced('final.final("test_accuracy").mean()', "0.8123")},
            {"test_accuracy_final"},
        ),
        "no look at the test set": (
            {
                "final": lambda source: replaced('final.final("test_accuracy").mean()', "0.8")(
                    replaced("seeds=SEEDS, test=True", "seeds=SEEDS")(source)
                )
            },
            {"test_final_data", "test_accuracy_final"},
        ),
        "pairs in place of combinations": (
            {"grid": replaced("itertools.product(*values.values())", "zip(*values.values())")},
            {"test_grid", "test_search"},
        ),
        "the luckiest run wins": (
            {"choose": replaced("scores.mean(axis=1))", "scores.max(axis=1))")},
            {"test_choose_winner", "test_choose_ties"},
        ),
        "the first seed decides": (
            {
                "choose": replaced(
                    "scores = np.asarray(scores, dtype=float)",
                    "scores = np.asarray(scores, dtype=float)[:, :1] + [0, 0, 0]",
                )
            },
            {"test_choose_winner", "test_choose_ties"},
        ),
        "a diverged run is skipped": (
            {
                "choose": replaced(
                    "np.where(np.isnan(scores).any(axis=1), -np.inf, scores.mean(axis=1))",
                    "np.nanmean(scores, axis=1)",
                )
            },
            {"test_choose_winner", "test_choose_ties"},
        ),
        "no ties": (
            {"choose": replaced("behind.mean() <= 2 * error", "False")},
            {"test_choose_ties"},
        ),
        "one standard error": (
            {"choose": replaced("behind.mean() <= 2 * error", "behind.mean() <= error")},
            {"test_choose_ties"},
        ),
        "the standard deviation for the standard error": (
            {"choose": replaced(" / np.sqrt(len(behind))", "")},
            {"test_choose_ties"},
        ),
        "ddof=0": (
            {"choose": replaced("behind.std(ddof=1)", "behind.std()")},
            {"test_choose_ties"},
        ),
        "the median": (
            {"choose": replaced("scores.mean(axis=1))", "np.median(scores, axis=1))")},
            {"test_choose_winner"},
        ),
        "final models with another momentum": (
            {"final": replaced("momentum=momentum)", "momentum=0.9)")},
            {"test_final"},
        ),
        "not seed by seed": (
            {
                "choose": replaced(
                    "behind.std(ddof=1) / np.sqrt(len(behind))",
                    "np.sqrt((scores[winner].var(ddof=1) + scores[i].var(ddof=1)) / len(behind))",
                )
            },
            {"test_choose_ties"},
        ),
        "momentum searched, not handed over": (
            {"search": replaced("learning_rate, momentum=momentum)", "learning_rate)")},
            {"test_search"},
        ),
        "the search looks at the test set": (
            {"search": replaced("seeds=SEEDS,\n", "seeds=SEEDS, test=True,\n")},
            {"test_search"},
        ),
        "one optimizer reused": (
            {
                "grid": lambda source: source + "\n\nSHARED = keras.optimizers.SGD(0.1)\n",
                "search": replaced(
                    "lambda learning_rate, momentum: keras.optimizers.SGD(\n"
                    "        learning_rate, momentum=momentum)",
                    "lambda learning_rate, momentum: SHARED",
                ),
            },
            {"test_search", "test_best", "test_final_data", "test_final", "test_accuracy_final"},
        ),
        "no final model": (
            {"final": replaced("blobs.join_val()", "blobs")},
            {"test_final_data"},
        ),
        "chooses by the test set": (
            {
                "final": lambda source: replaced("settings=[best]", "settings=runs.settings[:3]")(
                    replaced(
                        'final.final("test_accuracy").mean()',
                        'final.test["test_accuracy"].mean(axis=1).max()',
                    )(source)
                )
            },
            {"test_final", "test_accuracy_final"},
        ),
        "the best run reported": (
            {"final": replaced('"test_accuracy").mean()', '"test_accuracy").max()')},
            {"test_accuracy_final"},
        ),
        "syntax error": (
            {"choose": SYNTAX},
            {
                "test_choose_winner",
                "test_choose_ties",
                "test_best",
                "test_final_data",
                "test_final",
                "test_accuracy_final",
            },
        ),
    },
    "e5_predict_run_verify": {
        "sentences that say nothing": (
            {
                "predictions": replaced(
                    "At rate 0.1, {MOST:.0%} of wrong labels cost at least three points",
                    "I predict that my first claim is true",
                )
            },
            {"test_form"},
        ),
        "the same sentence twice": (
            {
                "predictions": replaced(
                    "At rate 0.01, {MOST:.0%} of wrong labels at least double the training loss",
                    "At rate 0.1, {MOST:.0%} of wrong labels cost at least three points",
                )
            },
            {"test_form"},
        ),
        "the same effect in another unit": (
            {
                "predictions": replaced(
                    "final(runs, 0.1, 0.01) - final(runs, 0.0, 0.01)",
                    "(final(runs, MOST, 0.1) - final(runs, 0.0, 0.1)) / 2",
                )
            },
            {"test_form_different"},
        ),
        "cannot fail": (
            {"predictions": replaced('"at_least": 0.03', '"at_least": -1')},
            {"test_can_fail_1"},
        ),
        "cannot come true": (
            {"predictions": replaced('"at_least": 0.03', '"at_least": 1.5')},
            {"test_can_fail_1"},
        ),
        "does not look at the runs": (
            {
                "predictions": replaced(
                    "lambda runs: final(runs, 0.0, 0.1) - final(runs, MOST, 0.1)",
                    "lambda runs: np.ones(len(runs.seeds))",
                )
            },
            {"test_form_seeds", "test_can_fail_1"},
        ),
        "the mean, repeated for each seed": (
            {
                "predictions": replaced(
                    "lambda runs: final(runs, 0.0, 0.1) - final(runs, MOST, 0.1)",
                    "lambda runs: np.full(len(runs.seeds), "
                    "(final(runs, 0.0, 0.1) - final(runs, MOST, 0.1)).mean())",
                )
            },
            {"test_form_seeds", "test_decided_1"},
        ),
        "the mean in place of one number per seed": (
            {
                "predictions": replaced(
                    "final(runs, 0.0, 0.1) - final(runs, MOST, 0.1)",
                    "(final(runs, 0.0, 0.1) - final(runs, MOST, 0.1)).mean()",
                )
            },
            {"test_form_seeds", "test_can_fail_1", "test_decided_1"},
        ),
        "the same effect twice": (
            {
                "predictions": replaced(
                    "final(runs, 0.1, 0.01) - final(runs, 0.0, 0.01)",
                    "final(runs, MOST, 0.1) - final(runs, 0.0, 0.1)",
                )
            },
            {"test_form_different"},
        ),
        "the example copied": (
            {
                "predictions": replaced(
                    "final(runs, 0.0, 0.1) - final(runs, MOST, 0.1)",
                    "final(runs, 0.0, 0.01) - final(runs, MOST, 0.01)",
                )
            },
            {"test_form_different"},
        ),
        "nothing about what does not matter": (
            {"predictions": replaced('"between": (-0.05, 0.05)', '"at_least": -0.05')},
            {"test_form"},
        ),
        "not decided by the data": (
            {
                "predictions": replaced(
                    '"at_least": 0.03',
                    '"at_least": {0.35: 0.1934, 0.4: 0.3071, 0.45: 0.2825}[MOST]',
                )
            },
            {"test_decided_1"},
        ),
        "one seed decides": (
            {"verdict": replaced("if seeds < 5:", "if seeds < 1:")},
            {"test_verdict"},
        ),
        "half an interval decides": (
            {"verdict": replaced("if low >= at_least", "if (low + high) / 2 >= at_least")},
            {"test_verdict"},
        ),
        "always at least zero": (
            {
                "verify": replaced(
                    '**{side: p[side] for side in ("at_least", "at_most", "between") if side in p}',
                    "at_least=0",
                )
            },
            {"test_verify"},
        ),
        "syntax error": (
            {"predictions": SYNTAX},
            {
                "test_form",
                "test_form_seeds",
                "test_form_different",
                *(f"test_{what}_{i}" for what in ("can_fail", "decided") for i in (1, 2, 3)),
            },
        ),
    },
}

RIGHT = {
    "d1_tune_by_validation": {
        "prints, rounds and spells out the defaults": {
            "validate": """
def validate(train, accuracy, data, settings, seeds):
    scores = np.zeros((len(settings), len(seeds)))
    for i, setting in enumerate(settings):
        for j, seed in enumerate(seeds):
            model = train(data.x_train, data.y_train, seed=seed, **setting)
            scores[i, j] = round(accuracy(model, data.x_val, data.y_val), 3)
            print("overfits?", accuracy(model, data.x_train, data.y_train), scores[i, j])
    return scores
""",
            "finish": """
def finish(train, accuracy, data, setting, seeds):
    both = data.join_val()
    found = [accuracy(train(both.x_train, both.y_train, seed=s, **setting), data.x_test,
                      data.y_test) for s in seeds]
    return round(float(np.mean(found)), 3)
""",
            "search_1": """
settings_1 = [{"learning_rate": r, "batch_size": 32, "momentum": 0.0}
              for r in np.sort(10 ** np.log10(RATES))]
scores_1 = validate(train, accuracy, digits, settings_1, SEEDS)
""",
        },
        "reported in percent of one digit": {
            f"final_{i}": replaced(
                f"finish(train, accuracy, digits, best_{i}, SEEDS)",
                f"round(100 * finish(train, accuracy, digits, best_{i}, SEEDS), 1) / 100",
            )
            for i in (1, 2, 3)
        },
        "the other engine": {"search_2": replaced("seeds=SEEDS,", "seeds=SEEDS, engine='keras',")},
        "a loop of one's own over batches": {
            "train": """
def train(x, y, learning_rate, batch_size=32, momentum=0.0, epochs=EPOCHS, seed=0):
    keras.utils.set_random_seed(seed)
    chance, net = np.random.default_rng(seed), build_model()
    net.compile(keras.optimizers.SGD(learning_rate=learning_rate, momentum=momentum),
                "sparse_categorical_crossentropy", metrics=["accuracy"])
    for _ in range(epochs):
        order = chance.permutation(len(x))
        for start in range(0, len(x), batch_size):
            some = order[start : start + batch_size]
            net.train_on_batch(x[some], y[some])
    return net
"""
        },
        "lists and plain Python": {
            "validate": """
def validate(train, accuracy, data, settings, seeds):
    def one(setting, seed):
        return accuracy(train(data.x_train, data.y_train, **setting, seed=seed),
                        data.x_val, data.y_val)
    return np.array([[one(setting, s) for s in seeds] for setting in settings])
""",
            "choose": """
def choose(candidates, results):
    top, chosen = None, None
    for c, row in zip(candidates, results):
        row = [float(v) for v in row]
        if any(v != v for v in row):
            continue
        m = sum(row) / len(row)
        if top is None or m > top:
            top, chosen = m, c
    return chosen
""",
            "finish": """
def finish(train, accuracy, data, setting, seeds):
    x = np.concatenate([data.x_train, data.x_val])
    y = np.concatenate([data.y_train, data.y_val])
    total = 0.0
    for seed in seeds:
        total += accuracy(train(x, y, seed=seed, **setting), data.x_test, data.y_test)
    return total / len(seeds)
""",
            "updates_needed": """
import math


def updates_needed(settings, samples, epochs, seeds):
    total = 0
    for s in settings:
        for _ in seeds:
            total += math.ceil(samples / s.get("batch_size", 32)) * epochs
    return total
""",
        },
        "a list of settings, another order": {
            "search_2": """
pairs = [{"batch_size": b, "learning_rate": r} for b in BATCH_SIZES[::-1] for r in RATES[1::-1]]
runs_2 = ol.sweep(build_model, digits, optimizer=keras.optimizers.SGD, settings=pairs,
                  epochs=EPOCHS, seeds=SEEDS)
""",
            "final_2": """
best_2 = choose(runs_2.settings, [runs_2.final("val_accuracy", **p) for p in pairs])
accuracy_2 = float(finish(train, accuracy, digits, best_2, SEEDS))
""",
        },
    },
    "d2_write_schedules": {
        "float32, by Keras": {
            "exponential": "def exponential(epoch, rate=0.01, k=0.1):\n"
            "    return float(rate * keras.ops.exp(-k * epoch))",
            "time_based": """
def time_based(step, rate=0.1, decay=0.001):
    return float(keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)(step))
""",
            "step_decay": """
def step_decay(epoch, rate=0.1, factor=0.5, every=10):
    return float(keras.optimizers.schedules.ExponentialDecay(
        rate, every, factor, staircase=True)(epoch))
""",
        },
        "the effect in percentage points": {
            "effect": replaced("lead, at_least=0.01", "100 * lead, at_least=1")
        },
        "the rate as it was logged, with progress": {
            "fit_with": """
def fit_with(schedule, model, x, y, epochs, batch_size):
    rates = np.array([schedule(e) for e in range(epochs)], dtype="float32")
    h = model.fit(x, y, batch_size, epochs, verbose=2, callbacks=[
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: float(rates[epoch]))])
    return dict(h.history, learning_rate=rates.tolist())
"""
        },
        "numpy": {
            "exponential": "def exponential(epoch, rate=0.01, k=0.1):\n"
            "    return np.multiply(rate, np.exp(-k * np.asarray(epoch, dtype=float)))",
            "time_based": "time_based = lambda step, rate=0.1, decay=0.001: "
            "np.divide(rate, 1 + decay * step)",
            "step_decay": "def step_decay(epoch, rate=0.1, factor=0.5, every=10):\n"
            "    return np.float64(rate) * np.power(factor, np.floor(epoch / every))",
            "rate_at_epoch": """
def rate_at_epoch(epoch, samples, batch_size, rate=0.1, decay=0.001):
    done = epoch * int(np.ceil(samples / batch_size))
    return rate / (1 + decay * done)
""",
        },
        "loops, and the library": {
            "exponential": "def exponential(epoch, rate=0.01, k=0.1):\n"
            "    return ol.exponential(rate, rate=k, per='epoch')(epoch)",
            "step_decay": """
def step_decay(epoch, rate=0.1, factor=0.5, every=10):
    drops = 0
    while epoch >= every:
        epoch, drops = epoch - every, drops + 1
    for _ in range(drops):
        rate *= factor
    return rate
""",
        },
        "epoch by epoch, without the callback": {
            "fit_with": """
def fit_with(schedule, model, x, y, epochs, batch_size):
    record = {"learning_rate": [], "loss": []}
    for epoch in range(epochs):
        model.optimizer.learning_rate = schedule(epoch)
        done = model.fit(x, y, epochs=1, batch_size=batch_size, verbose=0)
        record["learning_rate"].append(schedule(epoch))
        record["loss"] += done.history["loss"]
    return record
"""
        },
        "another order of the schedules": {
            "compare": """
def compare(schedules, seeds):
    made = {}
    for name in schedules:
        made[name] = lambda name=name: [
            keras.callbacks.LearningRateScheduler(lambda epoch: float(schedules[name](epoch)))]
    return ol.sweep(ol.blobs_mlp, blobs, optimizer=lambda: keras.optimizers.SGD(0.1),
                    settings={"callbacks": made}, epochs=30, seeds=seeds)


runs = compare({"step": lambda e: step_decay(e, every=EVERY), "constant": lambda e: 0.1,
                "exponential": lambda e: exponential(e, 0.1, K)}, seeds=SEEDS)
""",
            "effect": """
def last(name):
    return runs.select(callbacks=name)["val_accuracy"][0][:, -1]


lead = [float(a - b) for a, b in zip(last("step"), last("exponential"))]
judged = ol.claim("ahead by a point", np.array(lead), at_least=1 / 100)
""",
        },
    },
    "d3_restart": {
        "another order, rounded": {
            "runs": replaced("[SHORT, LONG]", "[LONG, SHORT]"),
            "gains": lambda source: (
                source
                + """
gain_short, gain_long, flattery = (np.round(a, 3) for a in (gain_short, gain_long, flattery))
"""
            ),
        },
        "pandas": {
            "restart": """
import pandas as pd


def restart(train, accuracy, data, seeds):
    t = pd.DataFrame({"seed": list(seeds)})
    t["net"] = [train(data.x_train, data.y_train, seed=s) for s in t.seed]
    t["val"] = [accuracy(n, data.x_val, data.y_val) for n in t.net]
    best = t.loc[t.val.idxmax()]
    return best.seed, best.net, best.val
""",
            "warm": lambda source: (
                source
                + """
import pandas as pd
wide = warm.history.query("epoch == 56").pivot(
    index="seed", columns="callbacks", values="val_accuracy")
warm_gain = wide["warm restarts"] - wide["constant"]
"""
            ),
        },
        "plain Python": {
            "restart": """
def restart(train, accuracy, data, seeds):
    best = (None, None, -1.0)
    for s in seeds:
        net = train(data.x_train, data.y_train, seed=s)
        a = accuracy(net, data.x_val, data.y_val)
        if a > best[2]:
            best = (s, net, a)
    return best
""",
            "best_of": """
def best_of(val, test, k):
    a, b = [], []
    for g in range(len(val) // k):
        i = max(range(g * k, (g + 1) * k), key=lambda j: val[j])
        a.append(val[i])
        b.append(test[i])
    return a, b
""",
            "gains": replaced(
                "picked_val, picked_test = best_of(val, test, 5)",
                "picked_val, picked_test = map(np.array, best_of(val, test, 5))",
            ),
        },
        "a formula for the cycle": {
            "warm_restarts": """
def warm_restarts(epoch, rate=0.1, first=8, factor=2):
    starts, n = [0], first
    while starts[-1] + n <= epoch:
        starts.append(starts[-1] + n)
        n *= factor
    return np.float64(rate) * 0.5 * (1 + np.cos(np.pi * (epoch - starts[-1]) / n))
"""
        },
        "everything in one cell, other names": {
            "runs": "several = SHORT, LONG",
            "gains": """
net_runs = ol.sweep(ol.blobs_mlp, blobs, settings={"epochs": several}, batch_size=32, test=True,
                    optimizer=lambda: keras.optimizers.SGD(momentum=0.9), seeds=len(SEEDS))
runs = net_runs
effects = {}
for e in several:
    v, t = net_runs.final("val_accuracy", epochs=e), net_runs.final("test_accuracy", epochs=e)
    rows = [slice(5 * g, 5 * g + 5) for g in range(8)]
    pick = [5 * g + int(v[r].argmax()) for g, r in enumerate(rows)]
    effects[e] = [t[p] - t[r].mean() for p, r in zip(pick, rows)]
    flattery = [v[p] - t[p] - (v[r] - t[r]).mean() for p, r in zip(pick, rows)]
gain_short, gain_long, flattery = map(np.array, (effects[SHORT], effects[LONG], flattery))
""",
        },
    },
    "d4_search_a_grid": {
        "logspace, a rounded result": {
            "search": replaced("[0.1, 0.01, 0.001]", "np.logspace(-3, -1, 3)"),
            "final": replaced(
                'final.final("test_accuracy").mean()',
                'round(final.final("test_accuracy").mean(), 3)',
            ),
        },
        "plain Python": {
            "grid": """
def grid(**values):
    settings = [{}]
    for name in values:
        settings = [{**s, name: v} for s in settings for v in values[name]]
    return settings
""",
            "choose": """
import statistics


def choose(settings, scores):
    rows = [[float(v) for v in row] for row in scores]
    ok = [i for i, row in enumerate(rows) if all(v == v for v in row)]
    top = max(ok, key=lambda i: statistics.fmean(rows[i]))
    tied = []
    for i in ok:
        d = [a - b for a, b in zip(rows[top], rows[i])]
        if i == top or statistics.fmean(d) <= 2 * statistics.stdev(d) / len(d) ** 0.5:
            tied.append(i)
    tied.sort(key=lambda i: (settings[i]["epochs"], -statistics.fmean(rows[i])))
    return settings[tied[0]]
""",
        },
        "momenta with a rounding error": {
            "search": replaced("=MOMENTA", "=np.array(MOMENTA) * 3 / 3")
        },
        "a list of settings": {
            "search": """
def make(learning_rate, momentum):
    return keras.optimizers.SGD(learning_rate=learning_rate, momentum=momentum)


every = [{"epochs": e, "momentum": m, "learning_rate": r}
         for e in EPOCHS[::-1] for r in (1e-3, 1e-2, 1e-1) for m in MOMENTA[::-1]]
runs = ol.sweep(ol.blobs_mlp, blobs, optimizer=make, settings=every, seeds=len(SEEDS))
""",
            "best": """
best = choose(runs.settings, [runs.final("val_accuracy", **s) for s in runs.settings])
""",
        },
        "the chosen values written out": {
            "final": """
final = ol.sweep(
    ol.blobs_mlp, blobs.join_val(), epochs=best["epochs"], test=True, seeds=SEEDS, batch_size=32,
    optimizer=lambda: keras.optimizers.SGD(best["learning_rate"], momentum=best["momentum"]),
)
test_accuracy = float(np.mean(final.test["test_accuracy"]))
"""
        },
    },
    "e5_predict_run_verify": {
        "epochs to reach, and sides that are not given": {
            "predictions": """
def gain(value, noise):
    return lambda r: (r.epochs_to_reach(value, noise=noise, learning_rate=0.01)
                      - r.epochs_to_reach(value, noise=noise, learning_rate=0.1))


predictions = [
    {"sentence": "With clean labels, rate 0.1 reaches 75 % at least four epochs earlier",
     "effect": gain(0.75, 0.0), "at_least": 4, "at_most": None, "between": None},
    {"sentence": "With 20 % wrong labels, rate 0.1 reaches 70 % at least one epoch earlier",
     "effect": gain(0.70, 0.2), "at_least": 1, "at_most": None, "between": None},
    {"sentence": "With clean labels, both rates end within five points", "between": (-0.05, 0.05),
     "effect": lambda r: r.final("val_accuracy", noise=0.0, learning_rate=0.1)
     - r.final("val_accuracy", noise=0.0, learning_rate=0.01)},
]
""",
            "verify": replaced("if side in p}", "if p.get(side) is not None}"),
        },
        "all three contradicted": {
            "predictions": """
def end(runs, noise, rate):
    return runs.final("val_accuracy", noise=noise, learning_rate=rate)


predictions = [
    {"sentence": "At rate 0.1, 40 % of wrong labels cost at most two points",
     "effect": lambda r: end(r, 0.0, 0.1) - end(r, MOST, 0.1),
     "at_most": 0.02},
    {"sentence": "At 40 % of wrong labels, both rates end within two points of each other",
     "effect": lambda r: end(r, MOST, 0.1) - end(r, MOST, 0.01),
     "between": [-0.02, 0.02]},
    {"sentence": "At rate 0.01, 20 % of wrong labels improve accuracy by three points",
     "effect": lambda r: end(r, 0.2, 0.01) - end(r, 0.0, 0.01),
     "at_least": 0.03},
]
"""
        },
        "curves, counts and lists": {
            "predictions": """
predictions = [
    dict(sentence="With 40 % of wrong labels and rate 0.1 the curve shakes by a point or more",
         effect=lambda runs: runs.jitter(noise=MOST, learning_rate=0.1), at_least=0.01),
    dict(sentence="At rate 0.01 most runs with clean labels end above 70 %",
         effect=lambda runs: [float(a > 0.7) for a in runs.final(
             "val_accuracy", noise=0.0, learning_rate=0.01)], at_least=0.5),
    dict(sentence="With clean labels, training and validation accuracy are within 10 points",
         effect=lambda runs: runs["accuracy"][1, :, -1] - runs["val_accuracy"][1, :, -1],
         between=(-0.1, 0.1)),
]
"""
        },
        "verdict and verify in another style": {
            "verdict": """
def verdict(low, high, at_least, seeds):
    decided = {(True, False): "supported", (False, True): "contradicted"}
    found = decided.get((low >= at_least, high < at_least), "undecided")
    return found if seeds > 4 else "undecided"
""",
            "verify": """
def verify(predictions, runs):
    out = []
    for p in predictions:
        rest = {k: v for k, v in p.items() if k not in ("sentence", "effect")}
        out.append(ol.claim(p["sentence"], p["effect"](runs), **rest))
    return out
""",
        },
    },
}
