"""A Jupyter notebook that makes a model: its code cells are run as a script."""

from __future__ import annotations

from pathlib import Path

from graphdiag.sources.kinds import script
from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import SourceKind, SourceOptions


def _open(path: Path, options: SourceOptions) -> Opened:
    from graphdiag.sources.notebooks import IPYTHON_NAMES, cells

    return script.open_code(path, options, cells(path), IPYTHON_NAMES)


KIND = SourceKind(
    name="notebook", title="a Jupyter notebook", open=_open, suffixes=(".ipynb",), options=script.KIND.options
)
