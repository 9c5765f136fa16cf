"""The same sweeps by optlab's ensemble, by `model.fit`, by scikit-learn and by JAX.

Usage: compare.py [OUTPUT_FOLDER]     (`make bench` installs what it needs and calls it)

Every contender runs in a process of its own, one after the other, on this machine in one run, so
that only the ratios mean something elsewhere. Each trains the same work: the same network, data,
updates, and a look at the validation set after every epoch (scikit-learn does without that look,
which is to its advantage). Slow contenders train a few runs and are counted per run; the ensemble
and JAX train all.
"""

import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

SEEDS = 20
EXPERIMENTS = {
    "A4": dict(
        optimizer="adam", rates=[1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6, 1e-7],
        sizes=[256], epochs=128,
    ),
    "A1": dict(
        optimizer="momentum", rates=[0.01], sizes=[5, 10, 16, 32, 64, 128, 256, 500], epochs=200,
    ),
}  # fmt: skip


# ---- the contenders: each returns seconds (first, again) and how many runs they trained -------


def ensemble(name, seeds=SEEDS, rates=None, sizes=None):
    """All runs as one program; first with compilation, then again."""
    import keras

    import optlab as ol

    work, blobs = EXPERIMENTS[name], ol.load_blobs()
    rates, sizes = rates or work["rates"], sizes or work["sizes"]
    optimizers = {
        "adam": lambda learning_rate: keras.optimizers.Adam(learning_rate),
        "momentum": lambda learning_rate: keras.optimizers.SGD(learning_rate, momentum=0.9),
    }

    def once():
        start = time.perf_counter()
        ol.sweep(
            ol.blobs_mlp, blobs, optimizer=optimizers[work["optimizer"]],
            settings={"learning_rate": rates, "batch_size": sizes}, epochs=work["epochs"],
            seeds=seeds, engine="ensemble",
        )  # fmt: skip
        return time.perf_counter() - start

    return dict(first=once(), again=once(), runs=len(rates) * len(sizes) * seeds)


def classic(name):
    """One `model.fit` after the other, as the classic lessons do it; one run a batch size."""
    import keras

    import optlab as ol

    work, blobs = EXPERIMENTS[name], ol.load_blobs()
    runs = 0

    def fit(rate, size, epochs):
        model = ol.blobs_mlp()
        optimizer = (
            keras.optimizers.Adam(float(rate))
            if work["optimizer"] == "adam"
            else keras.optimizers.SGD(rate, momentum=0.9)
        )
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(
            blobs.x_train, blobs.y_train, batch_size=size, epochs=epochs, verbose=0,
            validation_data=(blobs.x_val, blobs.y_val),
        )  # fmt: skip

    fit(0.01, work["sizes"][0], 1)  # what is done once a process
    start = time.perf_counter()
    for rate in work["rates"][:2]:
        for size in work["sizes"]:
            fit(rate, size, work["epochs"])
            runs += 1
    seconds = time.perf_counter() - start
    return dict(first=seconds, again=seconds, runs=runs)


def sklearn(name):
    """`MLPClassifier`, two processes at a time; without a look at the validation set."""
    import warnings

    import joblib
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    from optlab.data import load_blobs  # this imports Keras, too, but does not use it

    work, blobs = EXPERIMENTS[name], load_blobs()

    def fit(rate, size, seed):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        MLPClassifier(
            (50,), solver="adam" if work["optimizer"] == "adam" else "sgd", alpha=0.0,
            batch_size=size, learning_rate_init=rate, max_iter=work["epochs"], tol=0.0,
            n_iter_no_change=10**9, momentum=0.9, nesterovs_momentum=False, random_state=seed,
        ).fit(blobs.x_train, blobs.y_train)  # fmt: skip

    jobs = [(r, s, k) for r in work["rates"] if r < 1 for s in work["sizes"] for k in range(4)]
    with joblib.Parallel(n_jobs=2) as parallel:
        parallel(joblib.delayed(fit)(0.01, 256, k) for k in range(2))  # start the processes
        start = time.perf_counter()
        parallel(joblib.delayed(fit)(*job) for job in jobs)
        seconds = time.perf_counter() - start
    return dict(first=seconds, again=seconds, runs=len(jobs))


def jax(name):
    """`vmap` over runs and `scan` over updates and epochs, one compiled program a batch size."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from optlab.data import load_blobs
    from optlab.ensemble import sample_order

    work, blobs = EXPERIMENTS[name], load_blobs()
    x, y = jnp.asarray(blobs.x_train), jnp.asarray(blobs.y_train)
    x_val, y_val = jnp.asarray(blobs.x_val), jnp.asarray(blobs.y_val)

    def forward(weights, x):
        w1, b1, w2, b2 = weights
        return jax.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss_of(weights, x, y, mask):
        logits = forward(weights, x)
        losses = jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(
            logits, y[:, None], axis=-1
        ).squeeze(-1)
        loss = (losses * mask).sum() / mask.sum()
        return loss, ((logits.argmax(-1) == y) * mask).sum()

    def step(carry, batch):
        weights, m, v, t, rate = carry
        chosen, mask = batch
        (loss, hits), g = jax.value_and_grad(loss_of, has_aux=True)(
            weights, x[chosen], y[chosen], mask
        )
        t = t + 1
        if work["optimizer"] == "adam":
            m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
            v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
            size = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            change = [-size * a / (jnp.sqrt(b) + 1e-7) for a, b in zip(m, v, strict=True)]
        else:
            m = change = [0.9 * a - rate * b for a, b in zip(m, g, strict=True)]
        weights = [a + b for a, b in zip(weights, change, strict=True)]
        return (weights, m, v, t, rate), (loss * mask.sum(), hits)

    def epoch(carry, batches):
        carry, (losses, hits) = jax.lax.scan(step, carry, batches)
        val_loss, val_hits = loss_of(carry[0], x_val, y_val, jnp.ones(len(y_val)))
        return carry, (losses.sum() / len(y), hits.sum() / len(y), val_loss, val_hits / len(y_val))

    def run(weights, rate, orders, mask):
        zeros = [jnp.zeros_like(w) for w in weights]
        start = (weights, zeros, zeros, 0.0, rate)
        masks = jnp.broadcast_to(mask, orders.shape)
        return jax.lax.scan(epoch, start, (orders, masks))

    # settings share their seed's order of samples
    over_settings = jax.vmap(run, in_axes=(None, 0, None, None))
    program = jax.jit(jax.vmap(over_settings, in_axes=(0, None, 0, None)))
    rates = jnp.asarray(work["rates"], dtype="float32")

    def draw(seed):
        rng = np.random.default_rng(seed)
        limits = [(6 / 2) ** 0.5, (6 / 53) ** 0.5]
        shapes = [(2, 50), (50, 3)]
        kernels = [
            rng.uniform(-a, a, s).astype("float32") for a, s in zip(limits, shapes, strict=True)
        ]
        return [kernels[0], np.zeros(50, "float32"), kernels[1], np.zeros(3, "float32")]

    def once():
        start = time.perf_counter()
        for size in work["sizes"]:
            per_epoch = -(-500 // size)
            orders = np.zeros((SEEDS, work["epochs"], per_epoch * size), dtype="int32")
            for seed in range(SEEDS):
                for e in range(work["epochs"]):
                    orders[seed, e, :500] = sample_order(seed, e, 500)
            orders = orders.reshape(SEEDS, work["epochs"], per_epoch, size)
            mask = np.zeros(per_epoch * size, dtype="float32")
            mask[:500] = 1
            weights = [np.stack(w) for w in zip(*map(draw, range(SEEDS)), strict=True)]
            found = program(weights, rates, orders, mask.reshape(per_epoch, size))
            jax.block_until_ready(found)
        return time.perf_counter() - start

    return dict(first=once(), again=once(), runs=len(rates) * len(work["sizes"]) * SEEDS)


def one_run(name):
    """One setting from one seed, by the ensemble and by `model.fit`."""
    import keras

    import optlab as ol

    blobs = ol.load_blobs()
    seconds = {}
    for engine in ("ensemble", "keras", "ensemble", "keras"):
        start = time.perf_counter()
        ol.sweep(
            ol.blobs_mlp, blobs, optimizer=keras.optimizers.Adam, epochs=128, batch_size=256,
            seeds=1, engine=engine,
        )  # fmt: skip
        seconds.setdefault(engine, []).append(time.perf_counter() - start)
    return dict(first=seconds["ensemble"][0], again=seconds["ensemble"][1], runs=1,
                keras=min(seconds["keras"]))  # fmt: skip


def seeds(name):
    """How the cost of A4's eight settings grows with the seeds."""
    found = {n: ensemble("A4", seeds=n)["again"] for n in (1, 5, 20, 50, 100)}
    return dict(first=0, again=0, runs=0, seconds=found)


def settings(name):
    """How the cost of twenty seeds grows with the settings."""
    found = {}
    for n in (1, 2, 4, 8, 16, 32):
        rates = [0.01 * 1.1**i for i in range(n)]
        found[n] = ensemble("A4", rates=rates)["again"]
    return dict(first=0, again=0, runs=0, seconds=found)


def batch_sizes(name):
    """What twenty seeds for 200 epochs cost at each batch size."""
    sizes = EXPERIMENTS["A1"]["sizes"]
    found = {size: ensemble("A1", sizes=[size])["again"] for size in sizes}
    return dict(first=0, again=0, runs=0, seconds=found)


def tuning(name):
    """C8, part 3: 100 settings, 54,000 images, 2 epochs; and one `model.fit` a batch size."""
    import keras

    import optlab as ol

    data = ol.load_mnist(train=54_000, stand_in="digits")
    sizes, rates, momenta = (
        [8, 16, 32, 64, 128],
        [0.1, 0.01, 0.001, 1e-5],
        [0.1, 0.25, 0.5, 0.75, 0.9],
    )

    def build():
        return ol.mnist_mlp(hidden=(32, 64))

    def optimizer(learning_rate, momentum):
        return keras.optimizers.SGD(learning_rate, momentum=momentum)

    times = []
    for _ in range(2):
        start = time.perf_counter()
        ol.sweep(
            build, data, optimizer=optimizer, epochs=2, seeds=1, engine="ensemble",
            settings={"batch_size": sizes, "learning_rate": rates, "momentum": momenta},
        )  # fmt: skip
        times.append(time.perf_counter() - start)
    loop = []
    for size in sizes:
        model = build()
        model.compile(optimizer(0.01, 0.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
        start = time.perf_counter()
        model.fit(
            data.x_train, data.y_train, batch_size=size, epochs=2, verbose=0,
            validation_data=(data.x_val, data.y_val),
        )  # fmt: skip
        loop.append(time.perf_counter() - start)
    # a multiplication that can use both cores, for the share of the machine's peak
    import tensorflow as tf

    a = tf.random.normal((2048, 2048))
    for _ in range(2):
        start = time.perf_counter()
        for _ in range(10):
            b = a @ a
        b.numpy()
        peak = 10 * 2 * 2048**3 / (time.perf_counter() - start)
    weights = 784 * 32 + 32 * 64 + 64 * 10
    work = 100 * len(data.x_train) * 2 * 6 * weights + 100 * len(data.x_val) * 2 * 2 * weights
    return dict(first=times[0], again=times[1], runs=100, loop_per_run=sum(loop) / len(loop),
                data=data.name, peak=peak, rate=work / times[1])  # fmt: skip


CONTENDERS = dict(
    ensemble=ensemble, jax=jax, sklearn=sklearn, classic=classic, one_run=one_run, seeds=seeds,
    settings=settings, batch_sizes=batch_sizes, tuning=tuning,
)  # fmt: skip


# ---- the report ------------------------------------------------------------------------------


def measure(contender, experiment):
    """Run one contender in a process of its own and return what it found, with its peak memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", contender, experiment],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{contender} on {experiment} failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{experiment:4} {contender:12} {found}", flush=True)
    return found


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    results = {
        name: {c: measure(c, name) for c in ("ensemble", "jax", "sklearn", "classic")}
        for name in EXPERIMENTS
    }
    results["C8"] = {"tuning": measure("tuning", "C8")}
    for scaling in ("one_run", "seeds", "settings", "batch_sizes"):
        results[scaling] = measure(scaling, "A4")
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "README.md").write_text(report(results))
    draw(results).save(folder / "compare.png")
    print(report(results))


def draw(results):
    """Draw the milliseconds a run costs each contender, compilation included."""
    from optlab.figures import COLORS, finish, new_figure

    names = {
        "ensemble": "optlab: all runs at once", "jax": "JAX: vmap + scan",
        "sklearn": "scikit-learn, 2 processes", "classic": "Keras: model.fit in a loop",
    }  # fmt: skip
    figure, axes = new_figure(1, len(EXPERIMENTS), width=9.5, height=2.9, sharey=True)
    told = []
    for ax, name in zip(axes[0], EXPERIMENTS, strict=True):
        cost = [1000 * results[name][c]["first"] / results[name][c]["runs"] for c in names]
        ax.barh([*names.values()], cost, color=[COLORS[0]] + ["#999999"] * 3)
        for i, value in enumerate(cost):
            ax.annotate(f" {value:,.0f} ms", (value, i), va="center", fontsize=9)
        ax.set(xscale="log", title=name, xlabel="milliseconds a run", xlim=(3, max(cost) * 6))
        ax.grid(axis="y", visible=False)
        told += [f"{name}, {n}: {v:.0f} ms" for n, v in zip(names.values(), cost, strict=True)]
    axes[0, 0].invert_yaxis()
    work = {n: len(w["rates"]) * len(w["sizes"]) * SEEDS for n, w in EXPERIMENTS.items()}
    caption = (
        f"Measured side by side on two cores, compilation included. A4: {work['A4']} runs of 256 "
        f"updates; A1: {work['A1']} runs of 200 to 20,000 updates. Logarithmic axis."
    )
    return finish(figure, caption, "Cost of one training run: " + "; ".join(told) + ".")


def report(results):
    """Return the results as a page of Markdown."""
    rows = []
    for name in EXPERIMENTS:
        ours = results[name]["ensemble"]
        per_run = ours["first"] / ours["runs"]
        for contender, found in results[name].items():
            own, again = found["first"] / found["runs"], found["again"] / found["runs"]
            rows.append(
                f"| {name} | {contender} | {found['runs']} | {1000 * own:.1f} | {1000 * again:.1f} "
                f"| {own / per_run:.1f} | {found['memory']:.0f} |"
            )
    tuning, one = results["C8"]["tuning"], results["one_run"]
    grow = results["seeds"]["seconds"]

    def line(found):
        return ", ".join(f"{k}: {v:.2f} s" for k, v in found["seconds"].items())

    return f"""# Benchmark

Written by `make bench` on {time.strftime("%Y-%m-%d")}; {platform.machine()}, \
{__import__("os").cpu_count()} cores, Python {platform.python_version()}, \
commit {commit()}. Compare ratios, not seconds.

| experiment | contender | runs | ms a run, first time (with compilation) | ms a run, again \
| times the ensemble (first) | peak memory, MB |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

- scikit-learn trains in two processes and does not look at the validation set; the others do after
  every epoch. Of A4, it trains the seven rates below 1.
- C8, part 3 ({tuning["data"]}): 100 settings in {tuning["first"]:.1f} s with compilation, \
{tuning["again"]:.1f} s again; `model.fit` takes {tuning["loop_per_run"]:.1f} s a run, \
{tuning["loop_per_run"] * 100 / tuning["first"]:.0f} times as long. That is \
{100 * tuning["rate"] / tuning["peak"]:.0f} % of what this machine reaches in one large \
matrix product.
- One setting from one seed: {one["again"]:.2f} s (first time {one["first"]:.2f} s), \
`model.fit` {one["keras"]:.2f} s.
- A4's eight settings by number of seeds: {line(results["seeds"])}. 100 seeds cost \
{grow["100"] / grow["20"]:.1f} times what 20 cost.
- Twenty seeds by number of settings (256 updates each): {line(results["settings"])}.
- Twenty seeds for 200 epochs by batch size: {line(results["batch_sizes"])}.
"""


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        found = CONTENDERS[sys.argv[2]](sys.argv[3])
        found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
    elif sys.argv[1:2] == ["--report"]:  # from results that are there already
        done = json.loads((Path(sys.argv[2]) / "results.json").read_text())
        (Path(sys.argv[2]) / "README.md").write_text(report(done))
        draw(done).save(Path(sys.argv[2]) / "compare.png")
    else:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
