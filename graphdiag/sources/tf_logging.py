"""What TensorFlow says on standard error when it is loaded."""

from __future__ import annotations

import os


def silence() -> None:
    """Have TensorFlow, which is not loaded yet, keep its log to itself, unless the user asks for it.

    It reads these variables when it is loaded. What goes wrong reaches us as exceptions; its log names GPUs that are
    not there as errors. Two lines it writes before it has read them: that there are no CUDA drivers.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
