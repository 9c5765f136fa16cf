"""optlab: how neural networks are trained, over many seeds and with claims that can fail.

The public face is `__all__`; see the lessons in ``notebooks/``.
"""

import os
import sys
import tempfile


def _import_keras_quietly():
    """Import TensorFlow and run a first operation without its start-up lines in red.

    They are written by C++ to file descriptor 2, where Python's own redirection does not reach.
    If anything goes wrong they are shown after all.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.setdefault("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise ImportError(
            f"KERAS_BACKEND is {os.environ['KERAS_BACKEND']!r}, and optlab trains with TensorFlow: "
            "unset KERAS_BACKEND, restart the kernel and try again."
        )
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as lines:
        os.dup2(lines.fileno(), 2)
        try:
            import tensorflow as tf

            # the first compilation of a process has its lines, too
            tf.function(lambda x: x + 1, jit_compile=True)(tf.ones(1)).numpy()
        except BaseException:
            os.dup2(kept, 2)
            lines.seek(0)
            os.write(2, lines.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


_import_keras_quietly()

from . import updates  # noqa: E402
from .callbacks import LearningRateMonitor  # noqa: E402
from .claims import Claim, claim, fact  # noqa: E402
from .data import Dataset, load_blobs, load_mnist  # noqa: E402
from .figures import Figure  # noqa: E402
from .models import blobs_mlp, mnist_mlp  # noqa: E402
from .paths import (  # noqa: E402
    Animation,
    animate_paths,
    plot_distance,
    plot_paths,
    plot_steps,
)
from .playground import DescentPlayground, TrainingPlayground  # noqa: E402
from .plots import (  # noqa: E402
    plot_comparison,
    plot_final,
    plot_heatmap,
    plot_learning_curves,
    plot_schedules,
)
from .runs import Runs  # noqa: E402
from .scale import at_scale  # noqa: E402
from .schedules import (  # noqa: E402
    Schedule,
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
    "animate_paths",
    "at_scale",
    "beale",
    "blobs_mlp",
    "claim",
    "constant",
    "cosine",
    "descend",
    "exponential",
    "fact",
    "load_blobs",
    "load_mnist",
    "mnist_mlp",
    "one_cycle",
    "parabola",
    "plot_comparison",
    "plot_distance",
    "plot_final",
    "plot_heatmap",
    "plot_learning_curves",
    "plot_paths",
    "plot_schedules",
    "plot_steps",
    "rastrigin",
    "ravine",
    "saddle",
    "step",
    "sweep",
    "time_based",
    "updates",
    "warmup_cosine",
]
