"""What students hand in: wrong answers with the test cells they must lose, and right ones.

An answer changes a few cells of the reference solution. "Right" means full marks, however the
code is written.
"""

from course import replaced

SYNTAX = "def oops(:\n    return"
GAINS = {"test_gain_short", "test_gain_long", "test_flattery"}

# The folds of each class by themselves; what does not go into k equal parts is dealt from START on
PER_CLASS = """
def folds(labels, k, seed):
    chance, made, start = np.random.default_rng(seed), [[] for _ in range(k)], 0
    for label in np.unique(labels):
        own = chance.permutation(np.flatnonzero(np.asarray(labels) == label))
        for turn, i in enumerate(own):
            made[(START + turn) % k].append(i)
        start += len(own)
    return [np.array(part) for part in made]
"""

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
    "e6_cross_validate_and_regularize": {
        "the folds in the order of the file": (
            {
                "folds": replaced(
                    "shuffled = np.random.default_rng(seed).permutation(len(labels))\n"
                    "    by_class = shuffled[np.argsort(np.asarray(labels)[shuffled], "
                    'kind="stable")]\n    return [by_class[i::k] for i in range(k)]',
                    "return np.array_split(np.arange(len(labels)), k)",
                )
            },
            {"test_folds_alike", "test_folds_seed"},
        ),
        "shuffled folds, not stratified": (
            {"folds": replaced("by_class[i::k]", "shuffled[i::k]")},
            {"test_folds_alike"},
        ),
        "stratified folds, not shuffled": (
            {
                "folds": replaced(
                    "np.random.default_rng(seed).permutation(len(labels))", "np.arange(len(labels))"
                )
            },
            {"test_folds_seed"},
        ),
        "the seed of the folds is ignored": (
            {"folds": replaced("default_rng(seed)", "default_rng(0)")},
            {"test_folds_seed"},
        ),
        "folds from numpy's own state": (
            {"folds": replaced("np.random.default_rng(seed).permutation", "np.random.permutation")},
            {"test_folds_seed", "test_score"},
        ),
        "what is left over of each class goes to the first fold": (
            {"folds": PER_CLASS.replace("START", "0")},
            {"test_folds_alike"},
        ),
        "what is left over is dropped": (
            {"folds": replaced("by_class[i::k]", "by_class[: len(labels) // k * k][i::k]")},
            {"test_folds_once"},
        ),
        "the samples that train in place of those that validate": (
            {
                "folds": replaced(
                    "[by_class[i::k] for", "[np.setdiff1d(by_class, by_class[i::k]) for"
                )
            },
            {"test_folds_once"},
        ),
        "trained on everything": (
            {
                "cross_validate": replaced(
                    "np.setdiff1d(np.arange(len(y)), part)", "np.arange(len(y))"
                )
            },
            {"test_cross_apart"},
        ),
        "one model for all folds": (
            {
                "cross_validate": lambda source: replaced("        model = build()\n", "")(
                    replaced("scores = []", "scores, model = [], build()")(source)
                )
            },
            {"test_cross_fresh"},
        ),
        "prepared by looking at everybody": (
            {"cross_validate": replaced("prepare(x[rest], y[rest])", "prepare(x, y)")},
            {"test_cross_prepare"},
        ),
        "each fold prepared by itself": (
            {
                "cross_validate": replaced(
                    "model.score(ready(x[part])", "model.score(prepare(x[part], y[part])(x[part])"
                )
            },
            {"test_cross_prepare"},
        ),
        "prepared once, for the first fold": (
            {
                "cross_validate": lambda source: replaced(
                    "ready = prepare(x[rest], y[rest])",
                    "ready = ready or prepare(x[rest], y[rest])",
                )(replaced("scores = []", "scores, ready = [], None")(source))
            },
            {"test_cross_prepare"},
        ),
        "the fold is not prepared": (
            {"cross_validate": replaced("model.score(ready(x[part])", "model.score(x[part]")},
            # ten genes against all of them: the two answers cannot be computed
            {"test_cross_prepare", "test_honest", "test_leaky"},
        ),
        "judged on what it was trained on": (
            {
                "cross_validate": replaced(
                    "model.score(ready(x[part]), y[part])", "model.score(ready(x[rest]), y[rest])"
                )
            },
            {"test_cross_apart"},
        ),
        "the mean in place of each fold's accuracy": (
            {"cross_validate": replaced("return np.array(scores)", "return np.mean(scores)")},
            {"test_cross_apart"},
        ),
        "the last fold only": (
            {"cross_validate": replaced("for part in parts:", "for part in parts[-1:]:")},
            {"test_cross_apart", "test_cross_fresh"},
        ),
        "honest and leaky swapped": (
            {"leak": lambda source: source + "\nhonest, leaky = leaky, honest\n"},
            {"test_honest", "test_leaky"},
        ),
        "an accuracy typed in": (
            {"leak": lambda source: source + "\nhonest = 0.4321\n"},
            {"test_honest"},
        ),
        "the leak hidden again": (
            {"leak": replaced("NearestMean, as_they_are, ten,", "NearestMean, best_genes, genes,")},
            {"test_leaky"},
        ),
        "always the same folds": (
            {"score": replaced("folds(y, FOLDS, seed)", "folds(y, FOLDS, 0)")},
            {"test_score"},
        ),
        "always the same network": (
            {"score": replaced("InstantNet(strength, seed)", "InstantNet(strength, 0)")},
            {"test_score"},
        ),
        "not standardized": (
            {"score": replaced("build, standardize", "build, as_they_are")},
            {"test_score"},
        ),
        "the best fold": ({"score": replaced("np.mean(", "np.max(")}, {"test_score"}),
        "no second round": (
            {"choose": replaced("mean(strength, more_seeds)", "first[strength]")},
            {"test_choose_rounds", "test_choose_winner"},
        ),
        "all play the second round": (
            {"choose": replaced("[:finalists]", "")},
            {"test_choose_rounds"},
        ),
        "always three finalists": (
            {"choose": replaced("[:finalists]", "[:3]")},
            {"test_choose_rounds"},
        ),
        "the luckiest are finalists": (
            {
                "choose": replaced(
                    "first = {strength: mean(strength, seeds)",
                    "first = {strength: max(score(strength, seed) for seed in seeds)",
                )
            },
            {"test_choose_rounds"},
        ),
        "both rounds count": (
            {
                "choose": replaced(
                    "mean(strength, more_seeds)", "mean(strength, [*seeds, *more_seeds])"
                )
            },
            {"test_choose_winner"},
        ),
        "both rounds decide, the second is reported": (
            {"choose": replaced("key=again.get", "key=lambda s: first[s] + again[s]")},
            {"test_choose_winner"},
        ),
        "reports the first round": (
            {"choose": replaced("again[winner]", "first[winner]")},
            {"test_choose_winner"},
        ),
        "the median decides": (
            {
                "choose": replaced(
                    "again = {strength: mean(strength, more_seeds)",
                    "again = {strength: np.median([score(strength, seed) for seed in more_seeds])",
                )
            },
            {"test_choose_winner"},
        ),
        "the luckiest wins": (
            {
                "choose": replaced(
                    "again = {strength: mean(strength, more_seeds)",
                    "again = {strength: max(score(strength, seed) for seed in more_seeds)",
                )
            },
            {"test_choose_winner"},
        ),
        "the test set prepared by itself": (
            {"finish": replaced("ready(x_test)", "prepare(x_test, y_test)(x_test)")},
            {"test_finish_prepare"},
        ),
        "prepared with the test set in view": (
            {
                "finish": replaced(
                    "prepare(x, y)",
                    "prepare(np.concatenate([x, x_test]), np.concatenate([y, y_test]))",
                )
            },
            {"test_finish_prepare"},
        ),
        "the final model keeps some samples aside": (
            {"finish": replaced("ready = ", "x, y = x[:-2], y[:-2]\n    ready = ")},
            {"test_finish"},
        ),
        "the training accuracy reported": (
            {"finish": replaced("ready(x_test), y_test", "ready(x), y")},
            {"test_finish"},
        ),
        "the loss that Keras evaluates": (
            {
                "fair_loss": "def fair_loss(model, x, y):\n"
                "    return model.evaluate(x, y, verbose=0)[0]"
            },
            {"test_fair_penalty"},
        ),
        "dropout is on": (
            {
                "fair_loss": replaced(
                    "model.predict(x, verbose=0)", "np.array(model(x, training=True))"
                )
            },
            {"test_fair_dropout"},
        ),
        "the penalty of one layer": (
            {
                "fair_loss": "def fair_loss(model, x, y):\n"
                "    penalty = float(sum(model.losses[:1]))\n"
                "    return model.evaluate(x, y, verbose=0)[0] - penalty"
            },
            {"test_fair_penalty"},
        ),
        "another logarithm": (
            {"fair_loss": replaced("np.log(", "np.log10(")},
            {"test_fair_dropout", "test_fair_penalty"},
        ),
        "syntax error": (
            {"cross_validate": SYNTAX},
            {
                "test_cross_apart",
                "test_cross_fresh",
                "test_cross_prepare",
                "test_honest",
                "test_leaky",
                "test_score",
            },
        ),
    },
    "e7_save_and_resume": {
        "the weights alone": (
            {
                "save_load": lambda source: replaced(
                    "    for variable, value in zip(model.optimizer.variables, "
                    'state["optimizer"], strict=True):\n        variable.assign(value)\n',
                    "",
                )(source)
            },
            {"test_goes_on"},
        ),
        "Keras' weights file, read before the optimizer has a place": (
            {
                "save_load": """
import h5py


def save(model, epochs_done, path):
    model.save_weights(path.with_name("a.weights.h5"))
    os.replace(path.with_name("a.weights.h5"), path)


def load(path):
    copy, model = path.with_name("b.weights.h5"), new_model()
    shutil.copy(path, copy)
    model.load_weights(copy)
    with h5py.File(copy) as file:
        updates = int(file["optimizer/vars/0"][()])
    return model, updates // UPDATES
"""
            },
            {"test_goes_on"},
        ),
        "Keras' state tree, whose names belong to one model": (
            {
                "save_load": """
def save(model, epochs_done, path):
    path.write_bytes(pickle.dumps([model.get_state_tree(value_format="numpy_array"), epochs_done]))


def load(path):
    tree, epochs_done = pickle.loads(path.read_bytes())
    model = new_model()
    model.optimizer.build(model.trainable_variables)
    model.set_state_tree(tree)
    return model, epochs_done
"""
            },
            {"test_load", "test_goes_on"},
        ),
        "the means without the count": (
            {
                "save_load": replaced(
                    "        variable.assign(value)\n",
                    '        if "iteration" not in variable.path:\n'
                    "            variable.assign(value)\n",
                )
            },
            {"test_goes_on"},
        ),
        "the count without the means": (
            {
                "save_load": replaced(
                    "        variable.assign(value)\n",
                    '        if "iteration" in variable.path:\n'
                    "            variable.assign(value)\n",
                )
            },
            {"test_goes_on"},
        ),
        "compiled anew, with a rate that does not fall": (
            {
                "save_load": replaced(
                    "    return model, state",
                    "    model.compile(keras.optimizers.Adam(RATE), model.loss)\n"
                    "    return model, state",
                )
            },
            {"test_goes_on"},
        ),
        "the number of epochs is not kept": (
            {"save_load": replaced('state["epochs_done"]\n    ### END', "1\n    ### END")},
            {"test_load"},
        ),
        "the first checkpoint stays": (
            {
                "save_load": replaced(
                    "    path.write_bytes(", "    path.exists() or path.write_bytes("
                )
            },
            {"test_load"},
        ),
        "the optimizer in a second file": (
            {
                "save_load": lambda source: replaced(
                    'state["optimizer"], strict',
                    'pickle.loads(path.with_suffix(".opt").read_bytes()), strict',
                )(
                    replaced(
                        "    path.write_bytes(",
                        '    path.with_suffix(".opt").write_bytes('
                        'pickle.dumps(state.pop("optimizer")))\n    path.write_bytes(',
                    )(source)
                )
            },
            {"test_one_file"},
        ),
        "kept in memory": (
            {
                "save_load": lambda source: (
                    "KEPT = {}\n\n\n"
                    + replaced(
                        "path.write_bytes(pickle.dumps(state))",
                        'KEPT[str(path)] = state\n    path.write_text("saved")',
                    )(replaced("pickle.loads(path.read_bytes())", "KEPT[str(path)]")(source))
                )
            },
            {"test_one_file"},
        ),
        "written in place": (
            {"save_whole": "def save_whole(write, path):\n    write(path)"},
            {"test_whole"},
        ),
        "written in place, the old one put back": (
            {
                "save_whole": """
def save_whole(write, path):
    old = path.read_bytes() if path.exists() else None
    try:
        write(path)
    except OSError:
        if old is None:
            path.unlink()
        else:
            path.write_bytes(old)
        raise
"""
            },
            {"test_whole"},
        ),
        "the old one deleted first": (
            {
                "save_whole": replaced(
                    "    write(part)\n", "    path.unlink(missing_ok=True)\n    write(part)\n"
                )
            },
            {"test_whole"},
        ),
        "the old one deleted before the rename": (
            {
                "save_whole": replaced(
                    "    os.replace(part, path)",
                    "    if path.exists():\n        os.remove(path)\n    part.rename(path)",
                )
            },
            {"test_whole"},
        ),
        "copied in place of renamed": (
            {"save_whole": replaced("os.replace(part, path)", "shutil.copy(part, path)")},
            {"test_whole"},
        ),
        "renamed from another folder": (
            {
                "save_whole": replaced(
                    'path.with_name("part-" + path.name)',
                    'pathlib.Path(tempfile.mkdtemp(dir=temporary.name), "part.keras")',
                )
            },
            {"test_whole"},
        ),
        "renamed, whatever happened": (
            {
                "save_whole": replaced(
                    "    write(part)\n    os.replace(part, path)",
                    "    try:\n        write(part)\n    finally:\n        os.replace(part, path)",
                )
            },
            {"test_whole"},
        ),
        "fails in silence": (
            {
                "save_whole": replaced(
                    "    write(part)\n",
                    "    try:\n        write(part)\n    except OSError:\n        return\n",
                )
            },
            {"test_whole_error"},
        ),
        "a leftover is in the way": (
            {
                "save_whole": replaced(
                    "    write(part)\n",
                    '    if part.exists():\n        raise RuntimeError("busy")\n    write(part)\n',
                )
            },
            {"test_whole_error"},
        ),
        "saves at the end only": (
            {
                "session": replaced(
                    "        save(model, epoch + 1, path)", "    save(model, epochs, path)"
                )
            },
            {"test_session_saves"},
        ),
        "saves the number of the epoch, not how many are done": (
            {"session": replaced("epoch + 1, path", "epoch, path")},
            {"test_session_saves"},
        ),
        "saves before it trains": (
            {
                "session": replaced(
                    "        train_epoch(model, epoch)\n        save(model, epoch + 1, path)",
                    "        save(model, epoch + 1, path)\n        train_epoch(model, epoch)",
                )
            },
            {"test_session_saves"},
        ),
        "begins to count anew": (
            {"session": replaced("range(done, epochs)", "range(epochs)")},
            {"test_session_resumes"},
        ),
        "leaves out an epoch after the break": (
            {"session": replaced("range(done, epochs)", "range(done and done + 1, epochs)")},
            {"test_session_resumes"},
        ),
        "goes on with an untrained model": (
            {
                "session": replaced(
                    "load(path) if path.exists()", "(start(), load(path)[1]) if path.exists()"
                )
            },
            {"test_session_resumes"},
        ),
        "as many epochs again": (
            {"session": replaced("range(done, epochs)", "range(done, done + epochs)")},
            {"test_session_resumes"},
        ),
        "the count is not set": (
            {"without_state": replaced("    fresh.optimizer.iterations.assign(updates)\n", "")},
            {"test_without_state"},
        ),
        "the same model, its count set back": (
            {
                "without_state": "def without_state(model, updates=0):\n"
                "    model.optimizer.iterations.assign(updates)\n    return model"
            },
            {"test_without_state"},
        ),
        "the state copied after all": (
            {
                "without_state": replaced(
                    "    fresh.optimizer.iterations.assign(updates)\n",
                    "    fresh.optimizer.build(fresh.trainable_variables)\n"
                    "    model.optimizer.build(model.trainable_variables)\n"
                    "    for a, b in zip(fresh.optimizer.variables, model.optimizer.variables):\n"
                    "        a.assign(b)\n"
                    "    fresh.optimizer.iterations.assign(updates)\n",
                )
            },
            {"test_without_state"},
        ),
        "copied after the model went on": (
            {
                "excess": replaced(
                    "    ways = [",
                    "    train_epoch(with_state, BREAK, seed)\n    ways = [",
                )
            },
            {"test_excess"},
        ),
        "the ratio turned round": (
            {
                "excess": replaced(
                    "excess_weights = losses[:, 1] / losses[:, 0]",
                    "excess_weights = losses[:, 0] / losses[:, 1]",
                )
            },
            {"test_excess"},
        ),
        "one seed for all": (
            {
                "excess": replaced(
                    "    with_state = new_model(seed)",
                    "    seed = SEEDS[0]\n    with_state = new_model(seed)",
                )
            },
            {"test_excess"},
        ),
        "the order of seed 0": (
            {"excess": replaced("train_epoch(way, BREAK, seed)", "train_epoch(way, BREAK)")},
            {"test_excess"},
        ),
        "the last epoch is kept": (
            {"keep_best": replaced("    model.set_weights(weights)\n", "")},
            {"test_best"},
        ),
        "no copy of the weights": (
            {
                "keep_best": replaced(
                    "epoch, loss, model.get_weights()\n    model.set_weights(weights)",
                    "epoch, loss, model.weights\n"
                    "    model.set_weights([np.array(w) for w in weights])",
                )
            },
            {"test_best"},
        ),
        "stops when it gets worse": (
            {
                "keep_best": replaced(
                    "model.get_weights()\n",
                    "model.get_weights()\n        else:\n            break\n",
                )
            },
            {"test_best", "test_best_ties"},
        ),
        "the later of equals": (
            {"keep_best": replaced("loss < lowest", "loss <= lowest")},
            {"test_best_ties"},
        ),
        "NaN comes first and stays": (
            {"keep_best": replaced("if loss < lowest", "if best is None or loss < lowest")},
            {"test_best_ties"},
        ),
        "NaN passes every test": (
            {"keep_best": replaced("if loss < lowest", "if not loss >= lowest")},
            {"test_best_ties"},
        ),
        "keeps the worse half": (
            {"halve": replaced("np.argsort(losses)", "np.argsort(losses)[::-1]")},
            {"test_halve"},
        ),
        "keeps the first half": (
            {"halve": replaced("np.argsort(losses)", "np.arange(len(losses))")},
            {"test_halve"},
        ),
        "survivors start anew": (
            {
                "halve": replaced(
                    "        done, target = target, 2 * target",
                    "        field = [(s, start(s)) for s, _ in field]\n"
                    "        done, target = 0, 2 * target",
                )
            },
            {"test_halve_paid"},
        ),
        "as long as the first time, not as long again": (
            {
                "halve": replaced(
                    "done, target = target, 2 * target", "done, target = target, target + first"
                )
            },
            {"test_halve_paid"},
        ),
        "the winner trains on": (
            {
                "halve": replaced(
                    "            return *field[0], paid",
                    "            for epoch in range(target, 2 * target):\n"
                    "                train_epoch(field[0][1], epoch)\n"
                    "                paid += 1\n"
                    "            return *field[0], paid",
                )
            },
            {"test_halve_paid"},
        ),
        "the bill counts rounds": (
            {
                "halve": replaced(
                    "                train_epoch(model, epoch)\n                paid += 1",
                    "                train_epoch(model, epoch)\n            paid += 1",
                )
            },
            {"test_halve_paid"},
        ),
        "syntax error": (
            {"save_load": SYNTAX},
            {"test_load", "test_goes_on", "test_one_file"},
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
        "an accuracy that is lost again": {
            "predictions": """
def fall(first, noise):
    return lambda r: (r.curves("val_accuracy", noise=noise, learning_rate=0.1)[:, first - 1]
                      - r.final("val_accuracy", noise=noise, learning_rate=0.1))


predictions = [
    {"sentence": "With many wrong labels, validation accuracy falls by ten points after epoch 10",
     "effect": fall(10, MOST), "at_least": 0.1},
    {"sentence": "With clean labels it stays within five points after epoch 20, at rate 0.1",
     "effect": fall(20, 0.0), "between": (-0.05, 0.05)},
    {"sentence": "With clean labels, both rates end within five points", "between": (-0.05, 0.05),
     "effect": lambda r: r.final("val_accuracy", noise=0.0, learning_rate=0.1)
     - r.final("val_accuracy", noise=0.0, learning_rate=0.01)},
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
    "e6_cross_validate_and_regularize": {
        "scikit-learn's folds, masks": {
            "folds": """
from sklearn.model_selection import StratifiedKFold


def folds(labels, k, seed):
    cut = StratifiedKFold(n_splits=k, shuffle=True, random_state=seed)
    return [chosen for _, chosen in cut.split(np.zeros(len(labels)), labels)]
""",
            "cross_validate": """
def cross_validate(build, prepare, x, y, parts):
    out = np.zeros(len(parts), dtype="float32")
    for i, part in enumerate(parts):
        trains = np.ones(len(x), dtype=bool)
        trains[part] = False
        ready = prepare(x[trains], y[trains])
        net = build()
        net.fit(ready(x[trains]), y[trains])
        out[i] = net.score(ready(x[~trains]), y[~trains])
    return out
""",
        },
        "plain Python": {
            "folds": """
import random


def folds(labels, k, seed):
    cards = list(range(len(labels)))
    random.Random(seed).shuffle(cards)
    cards.sort(key=lambda i: labels[i])
    hands = [[] for _ in range(k)]
    for turn, card in enumerate(cards):
        hands[k - 1 - turn % k].append(card)
    return hands
""",
            "cross_validate": """
def cross_validate(build, prepare, x, y, parts):
    found = []
    for own in parts:
        rest = [i for i in range(len(y)) if i not in set(map(int, own))][::-1]
        ready = prepare(x[rest], y[rest])
        found.append(build().fit(ready(x[rest]), y[rest]).score(ready(x[own]), y[own]))
    return found
""",
            "choose": """
def choose(score, strengths, seeds, more_seeds, finalists):
    table = []
    for s in strengths:
        table.append((sum(score(s, seed) for seed in seeds) / len(seeds), s))
    table.sort(key=lambda row: -row[0])
    best = (None, -1)
    for _, s in table[:finalists]:
        m = sum(score(s, seed) for seed in more_seeds) / len(more_seeds)
        if m > best[1]:
            best = s, m
    return best
""",
        },
        "class by class, what is left over in turn": {
            "folds": PER_CLASS.replace("START", "start"),
        },
        "the folds shuffled again, as lists": {
            "folds": lambda source: (
                source.replace("def folds", "def dealt_folds")
                + """

def folds(labels, k, seed):
    chance = np.random.RandomState(seed)
    made = dealt_folds(labels, k, seed)
    return [chance.permutation(made[i]).tolist() for i in chance.permutation(k)]
"""
            )
        },
        "all prepared at once, and more looks": {
            "cross_validate": """
def cross_validate(build, prepare, x, y, parts):
    scores = []
    for k, part in enumerate(parts):
        rest = np.concatenate([other for j, other in enumerate(parts) if j != k])
        z = prepare(x[rest], y[rest])(x)
        model = build()
        model.fit(z[rest], y[rest])
        print("training", model.score(z[rest], y[rest]), "on", len(rest))
        scores.append(round(float(model.score(z[part], y[part])), 3))
    return np.array(scores, dtype="float32")
"""
        },
        "rounded": {
            "leak": lambda source: source + "\nhonest, leaky = round(honest, 3), round(leaky, 3)\n",
            "score": replaced(
                "np.mean(cross_validate(build, standardize, x, y, parts))",
                "round(float(cross_validate(build, standardize, x, y, parts).mean()), 3)",
            ),
            "choose": replaced("again[winner]", "np.float32(np.round(again[winner], 3))"),
        },
        "arrays and argsort, scores asked for again": {
            "choose": """
def choose(score, strengths, seeds, more_seeds, finalists):
    def table(some, seeds):
        return np.array([[score(s, seed) for seed in seeds] for s in some])

    print(table(strengths, seeds).max())
    order = np.argsort(table(strengths, seeds).mean(axis=1))
    best = [strengths[i] for i in order[-finalists:]]
    means = table(best, more_seeds).mean(axis=1)
    return best[int(means.argmax())], means.max()
"""
        },
        "pandas": {
            "choose": """
import pandas as pd


def choose(score, strengths, seeds, more_seeds, finalists):
    first = pd.DataFrame({s: [score(s, seed) for seed in seeds] for s in strengths})
    best = first.mean().nlargest(finalists).index
    again = pd.DataFrame({s: [score(s, seed) for seed in more_seeds] for s in best}).mean()
    return again.idxmax(), again.max()
"""
        },
        "functions with names": {
            "score": """
def score(strength, seed):
    def network_of_this_seed():
        return InstantNet(seed=seed, strength=strength)

    dealt_now = folds(labels=digits.y_train, k=FOLDS, seed=seed)
    accuracies = cross_validate(network_of_this_seed, standardize, digits.x_train,
                                digits.y_train, dealt_now)
    return sum(accuracies) / FOLDS
""",
            "finish": """
def finish(build, prepare, x, y, x_test, y_test):
    model, ready = build(), prepare(x, y)
    print("training", model.fit(ready(x), y).score(ready(x), y))
    return round(model.score(ready(x_test), y_test), 3)
""",
        },
        "the test set as the only fold": {
            "finish": """
def finish(build, prepare, x, y, x_test, y_test):
    every_x, every_y = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    return cross_validate(build, prepare, every_x, every_y,
                          [np.arange(len(y), len(every_y))])[0]
"""
        },
        "the leak by hand": {
            "leak": """
columns = abs(genes[coins == 0].mean(0) - genes[coins == 1].mean(0)).argsort()[::-1][:10]
leaky = cross_validate(NearestMean, as_they_are, genes[:, columns], coins, parts).mean()
right = []
for part in parts:
    rest = np.delete(np.arange(PEOPLE), part)
    ready = best_genes(genes[rest], coins[rest])
    model = NearestMean().fit(ready(genes[rest]), coins[rest])
    right.append(model.score(ready(genes[part]), coins[part]))
honest = sum(right) / len(right)
"""
        },
        "a loss of Keras": {
            "fair_loss": """
def fair_loss(model, x, y):
    losses = keras.losses.sparse_categorical_crossentropy(y, model(x, training=False))
    return float(np.mean(losses))
"""
        },
        "sample by sample, rounded": {
            "fair_loss": """
import math


def fair_loss(model, x, y):
    total = 0
    for p, label in zip(np.asarray(model(x)), y):
        total -= math.log(p[label])
    return round(total / len(y), 3)
"""
        },
        "evaluate, less the penalty": {
            "fair_loss": """
def fair_loss(model, x, y):
    loss, _ = model.evaluate(x, y, verbose=0)
    return loss - float(sum(model.losses))
"""
        },
        "compiled again, with the loss as a metric": {
            "fair_loss": """
def fair_loss(model, x, y):
    model.compile(loss="sparse_categorical_crossentropy",
                  metrics=["sparse_categorical_crossentropy"])
    return model.evaluate(x, y, verbose=2, return_dict=True)["sparse_categorical_crossentropy"]
"""
        },
    },
    "e7_save_and_resume": {
        "Keras' own file": {
            "save_load": """
def save(model, epochs_done, path):
    model.save(path)


def load(path):
    model = keras.models.load_model(path)
    return model, int(model.optimizer.iterations) // UPDATES
""",
            "without_state": """
def without_state(model, updates=0):
    path = new_path()
    model.save(path)
    fresh = keras.models.load_model(path, compile=False)
    fall = keras.optimizers.schedules.CosineDecay(RATE, decay_steps=EPOCHS * UPDATES)
    fresh.compile(keras.optimizers.Adam(fall), "sparse_categorical_crossentropy")
    fresh.optimizer.iterations.assign(updates)
    return fresh
""",
        },
        "a checkpoint by Keras' callback, the number of epochs in its zip archive": {
            "save_load": """
import zipfile


def save(model, epochs_done, path):
    checkpoint = keras.callbacks.ModelCheckpoint(str(path))
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(epochs_done - 1, {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("epochs_done.txt", str(epochs_done))
    print("saved", path)


def load(path):
    with zipfile.ZipFile(path) as archive:
        epochs_done = int(archive.read("epochs_done.txt"))
    return keras.models.load_model(path), epochs_done
"""
        },
        "weights in one file by Keras, with the optimizer built first": {
            "save_load": """
def save(model, epochs_done, path):
    part = path.with_name("part.weights.h5")
    model.save_weights(part)
    part.replace(path)


def load(path):
    model = new_model(seed=123)
    model.optimizer.build(model.trainable_variables)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        copy = shutil.copy(path, pathlib.Path(folder) / "a.weights.h5")
        model.load_weights(copy)
    return model, int(model.optimizer.iterations) / UPDATES
"""
        },
        "numpy's archive, Keras' trees, float64": {
            "save_load": """
def save(model, epochs_done, path):
    arrays = {f"w{i}": np.array(w, dtype="float64") for i, w in enumerate(model.get_weights())}
    arrays |= {f"o{i}": np.array(v) for i, v in enumerate(model.optimizer.variables)}
    with open(path, "wb") as file:
        np.savez(file, epochs_done=epochs_done, **arrays)


def load(path):
    model = new_model()
    model.optimizer.build(model.trainable_variables)
    with np.load(path) as saved:
        model.set_weights([saved[f"w{i}"] for i in range(4)])
        for i, variable in enumerate(model.optimizer.variables):
            variable.assign(saved[f"o{i}"])
        return (model, saved["epochs_done"])
""",
        },
        "the optimizer's own store, flushed to the disk": {
            "save_load": """
def save(model, epochs_done, path):
    store = {}
    model.optimizer.save_own_variables(store)
    with open(path, "wb") as file:
        pickle.dump([model.get_weights(), store, epochs_done], file)
        file.flush()
        os.fsync(file.fileno())


def load(path):
    weights, store, epochs_done = pickle.loads(path.read_bytes())
    model = new_model(5)
    model.set_weights(weights)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.load_own_variables(store)
    return [model, epochs_done]
""",
        },
        "plain Python, with prints": {
            "save_whole": """
def save_whole(write, path):
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".saving-", suffix=path.suffix)
    os.close(handle)
    print("writing", name)
    try:
        write(pathlib.Path(name))
    except BaseException as error:
        os.remove(name)
        print("failed", error)
        raise
    pathlib.Path(name).replace(path)
    return path
""",
            "session": """
def session(path, epochs, start, train_epoch, save, load):
    try:
        model, epoch = load(path)
        print("going on after", epoch)
    except FileNotFoundError:
        model, epoch = start(), 0
    while epoch < epochs:
        loss = train_epoch(model, epoch)
        epoch += 1
        save(model, epoch, path)
        print(epoch, loss)
    return model
""",
            "keep_best": """
import math


def keep_best(model, epochs, train_epoch, val_loss):
    best = None
    for e in range(epochs):
        train_epoch(model, e)
        if math.isnan(val_loss(model)):
            continue
        if best is None or val_loss(model) < best[1]:
            best = e, val_loss(model), [np.array(w) for w in model.weights]
    for variable, value in zip(model.weights, best[2]):
        variable.assign(value)
    return best[:2]
""",
            "halve": """
def halve(settings, first, start, train_epoch, val_loss):
    models = {s: start(s) for s in settings}
    seen, paid = dict.fromkeys(settings, 0), 0
    while len(models) > 1:
        for s, m in models.items():
            more = max(seen[s], first)
            if seen[s] == 0:
                more = first
            for _ in range(more):
                train_epoch(m, seen[s])
                seen[s] += 1
                paid += 1
        ranked = sorted(models, key=lambda s: val_loss(models[s]))
        models = {s: models[s] for s in ranked[: len(ranked) // 2]}
        print(list(models), paid)
    (winner, model), = models.items()
    return winner, model, paid
""",
        },
        "a folder for the part, moved by shutil": {
            "save_whole": """
def save_whole(write, path):
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = os.path.join(folder, path.name)
        write(part)
        shutil.move(part, path)
"""
        },
        "a session that calls itself": {
            "session": """
def session(path, epochs, start, train_epoch, save, load):
    if not path.exists():
        save(start(), 0, path) if epochs == 0 else None
        model, done = start(), 0
    else:
        model, done = load(path)
    if done >= epochs:
        return model
    train_epoch(model, epoch=done)
    save(model, done + 1, path)
    return session(path, epochs, start, train_epoch, save, load)
"""
        },
        "Keras' EarlyStopping keeps the best": {
            "keep_best": """
def keep_best(model, epochs, train_epoch, val_loss):
    keeper = keras.callbacks.EarlyStopping(
        "val_loss", patience=epochs, mode="min", restore_best_weights=True)
    keeper.set_model(model)
    keeper.on_train_begin()
    losses = []
    for epoch in range(epochs):
        train_epoch(model, epoch)
        losses.append(val_loss(model))
        if not np.isnan(losses[-1]):
            keeper.on_epoch_end(epoch, {"val_loss": losses[-1]})
    keeper.on_train_end()
    return keeper.best_epoch, keeper.best
"""
        },
        "a checkpoint of the best weights, as in the lesson": {
            "keep_best": """
def keep_best(model, epochs, train_epoch, val_loss):
    path = new_path().with_name("best.weights.h5")
    keeper = keras.callbacks.ModelCheckpoint(
        str(path), monitor="val_loss", mode="min", save_best_only=True, save_weights_only=True)
    keeper.set_model(model)
    losses = []
    for epoch in range(epochs):
        train_epoch(model, epoch)
        losses.append(val_loss(model))
        keeper.on_epoch_end(epoch, {"val_loss": losses[-1]})
    model.load_weights(path)
    return np.nanargmin(losses), np.nanmin(losses)
"""
        },
        "pandas and rounding, copies made before": {
            "without_state": """
def without_state(model, updates=0):
    fresh = new_model(seed=77)
    fresh.optimizer.build(fresh.trainable_variables)
    for new, old in zip(fresh.weights, model.weights):
        new.assign(old)
    fresh.optimizer.variables[0].assign(updates)
    return fresh
""",
            "excess": """
import pandas as pd

table = pd.DataFrame(index=SEEDS, columns=["state", "weights", "count"], dtype="float32")
for s in SEEDS:
    m = new_model(s)
    print([train_epoch(m, e, seed=s) for e in range(BREAK)])
    a, b = without_state(m), without_state(m, updates=BREAK * UPDATES)
    table.loc[s, "count"] = train_epoch(b, BREAK, seed=s)
    table.loc[s, "weights"] = train_epoch(a, BREAK, seed=s)
    table.loc[s, "state"] = train_epoch(m, BREAK, seed=s)
excess_weights = (table["weights"] / table["state"]).round(2)
excess_count = list(table["count"] / table["state"])
""",
            "halve": """
import pandas as pd


def halve(settings, first, start, train_epoch, val_loss):
    table = pd.DataFrame({"setting": list(settings)})
    table["model"] = [start(s) for s in table.setting]
    table["seen"], paid = 0, 0
    while True:
        for i in table.index:
            more = int(table.seen[i]) or first
            for _ in range(more):
                train_epoch(table.model[i], int(table.seen[i]))
                table.loc[i, "seen"] += 1
            paid += more
        table["loss"] = [val_loss(m) for m in table.model]
        table = table.nsmallest(len(table) // 2, "loss")
        if len(table) == 1:
            winner = table.iloc[0]
            return winner.setting, winner.model, np.int64(paid)
""",
        },
    },
}
