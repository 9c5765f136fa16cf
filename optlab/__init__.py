"""optlab: how neural networks are trained, over many seeds and with claims that can fail.

The public face is `__all__`; see the lessons in ``notebooks/``.
"""

import contextlib
import gc
import os
import subprocess
import sys

# A process of its own, since it outlives a crash: repeats what it was told, unless all went well.
_REPEATER = """import sys
said = sys.stdin.buffer.read()
if not said.endswith(b"\\0"):
    sys.stderr.buffer.write(said)
"""


@contextlib.contextmanager
def _shown_only_if_it_fails():
    """Keep what is written to file descriptor 2, where Python's own redirection does not reach.

    After an error, and after a crash of this process, it is shown after all.
    """
    repeater = None
    with contextlib.suppress(OSError, TypeError):  # 2 is closed, or there is no Python to start
        kept = os.dup(2)
        repeater = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _REPEATER], stdin=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
    if repeater is None:
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    os.dup2(repeater.stdin.fileno(), 2)
    try:
        yield
        with contextlib.suppress(OSError):  # should the repeater have died
            os.write(2, b"\0")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        repeater.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # another process may hold the pipe
            repeater.wait(10)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # quiets all lines but those of the import
if os.environ.setdefault("KERAS_BACKEND", "tensorflow") != "tensorflow":
    raise ImportError(
        f"KERAS_BACKEND is {os.environ['KERAS_BACKEND']!r}, and optlab trains with TensorFlow: "
        "unset KERAS_BACKEND, restart the kernel and try again."
    )
with _shown_only_if_it_fails():
    import tensorflow  # noqa: F401

from . import updates  # noqa: E402
from .animation import Animation  # noqa: E402
from .by_setting import plot_by_setting  # noqa: E402
from .callbacks import LearningRateMonitor, WeightMonitor  # noqa: E402
from .claims import Claim, claim, fact  # noqa: E402
from .comparisons import plot_final, plot_heatmap, plot_histogram  # noqa: E402
from .data import Dataset, load_blobs  # noqa: E402
from .effects import plot_differences, plot_effects  # noqa: E402
from .figures import Figure  # noqa: E402
from .growth import animate_training  # noqa: E402
from .guesses import guess, score  # noqa: E402
from .landscape import plot_loss_plane  # noqa: E402
from .looks import figure_style, look_of  # noqa: E402
from .mistakes import plot_confusion, plot_mistakes  # noqa: E402
from .mnist import load_mnist  # noqa: E402
from .models import blobs_mlp, mnist_mlp  # noqa: E402
from .paths import plot_distance, plot_paths, plot_steps  # noqa: E402
from .playground import DescentPlayground, TrainingPlayground  # noqa: E402
from .plots import (  # noqa: E402
    plot_comparison,
    plot_learning_curves,
    plot_rate_and_accuracy,
    plot_schedules,
)
from .race import animate_paths  # noqa: E402
from .regions import plot_decision_regions  # noqa: E402
from .runs import Runs  # noqa: E402
from .scale import at_scale  # noqa: E402
from .schedule import Schedule  # noqa: E402
from .schedules import (  # noqa: E402
    constant,
    cosine,
    exponential,
    one_cycle,
    step,
    time_based,
    warmup_cosine,
)
from .surfaces import (  # noqa: E402
    Surface,
    beale,
    descend,
    parabola,
    rastrigin,
    ravine,
    saddle,
)
from .sweep import sweep  # noqa: E402

# What TensorFlow and the others have made so far, 400,000 objects, stays: the collector need not
# look through it, 0.2 seconds each time, at the end of every sweep.
gc.freeze()

__all__ = [
    "Animation",
    "Claim",
    "Dataset",
    "DescentPlayground",
    "Figure",
    "LearningRateMonitor",
    "Runs",
    "Schedule",
    "Surface",
    "TrainingPlayground",
    "WeightMonitor",
    "animate_paths",
    "animate_training",
    "at_scale",
    "beale",
    "blobs_mlp",
    "claim",
    "constant",
    "cosine",
    "descend",
    "exponential",
    "fact",
    "figure_style",
    "guess",
    "load_blobs",
    "load_mnist",
    "look_of",
    "mnist_mlp",
    "one_cycle",
    "parabola",
    "plot_by_setting",
    "plot_comparison",
    "plot_confusion",
    "plot_decision_regions",
    "plot_differences",
    "plot_distance",
    "plot_effects",
    "plot_final",
    "plot_heatmap",
    "plot_histogram",
    "plot_learning_curves",
    "plot_loss_plane",
    "plot_mistakes",
    "plot_paths",
    "plot_rate_and_accuracy",
    "plot_schedules",
    "plot_steps",
    "rastrigin",
    "ravine",
    "saddle",
    "score",
    "step",
    "sweep",
    "time_based",
    "updates",
    "warmup_cosine",
]
