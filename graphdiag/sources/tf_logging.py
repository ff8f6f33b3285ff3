"""What TensorFlow says on standard error when it is loaded."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from graphdiag.sources.imports_watched import around_import

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_QUIET = "3"


def silence() -> None:
    """Have TensorFlow, which is not loaded yet, keep its log to itself, unless the user asks for it.

    It reads these variables when it is loaded. What goes wrong reaches us as exceptions; its log names GPUs that are
    not there as errors.
    """
    os.environ.setdefault(_LEVEL, _QUIET)
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


@contextlib.contextmanager
def loading_quietly() -> Iterator[None]:
    """Keep what is written to standard error while TensorFlow is loaded in the ``with`` block, if it is.

    Its first lines, about CUDA drivers that are not there, come before it has read any variable. If loading fails, or
    the user asks for its log, they are shown.
    """
    silence()
    if "tensorflow" in sys.modules or os.environ[_LEVEL] != _QUIET:
        yield
        return
    with around_import("tensorflow", _standard_error_kept):
        yield


@contextlib.contextmanager
def _standard_error_kept() -> Iterator[None]:
    """The process's standard error goes to a file, and is given back if an error is raised."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            file.seek(0)
            os.write(2, file.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
