"""What is not installed with graphdiag itself, and the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from graphdiag.errors import ModelError

INSTALL_TENSORFLOW = 'pip install "graphdiag[tensorflow]"'
INSTALL_NOTEBOOKS = 'pip install "graphdiag[notebooks]"'
INSTALL_REMOTE = 'pip install "graphdiag[remote]"'
INSTALL_DASK = 'pip install "graphdiag[dask]"'
INSTALL_PARQUET = 'pip install "graphdiag[parquet]"'
INSTALL_TF_KERAS = 'pip install "graphdiag[keras2]"'


def require_tensorflow(what: str) -> None:
    """See that TensorFlow is installed, without importing it.

    Args:
        what: What needs it: ``--verify``.

    Raises:
        ModelError: It is not installed; the message says how to install it.
    """
    if find_spec("tensorflow") is None:
        raise ModelError(f"{what} needs TensorFlow, which is not installed: {INSTALL_TENSORFLOW}")
