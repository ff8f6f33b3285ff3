"""A page of HTML, shown where its reader is: in a notebook's cell, or in the browser."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path

from graphdiag.errors import UsageError
from graphdiag.output import put

_HEIGHT = 720
"""Of the page in a cell, in pixels: both pictures can be read, and the cell fits a laptop's screen."""


def show_page(content: str) -> Path | None:
    """Show a page in the cell of a notebook (Jupyter, Colab, VS Code); elsewhere, write it to a file and open that.

    Args:
        content: A page that needs nothing but itself.

    Returns:
        The temporary file; ``None`` in a notebook, where there is none.

    Raises:
        UsageError: The file cannot be written.
    """
    if _in_notebook():
        _show_in_cell(content)
        return None
    try:
        descriptor, name = tempfile.mkstemp(prefix="graphdiag-", suffix=".html")
    except OSError as error:
        raise UsageError(f"a temporary file cannot be made: {error.strerror}; set TMPDIR.") from error
    os.close(descriptor)
    path = Path(name)
    try:
        put(content, path)
    except BaseException:
        path.unlink()
        raise
    webbrowser.open(path.as_uri())
    return path


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code. Code that has not imported IPython is run by none."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _show_in_cell(content: str) -> None:
    from IPython.display import HTML, display

    # IPython warns of content that begins with a frame.
    frame = (
        f'<iframe srcdoc="{escape(content)}" title="graphdiag" width="100%" height="{_HEIGHT}" '
        f'style="border: 1px solid #8886"></iframe>'
    )
    display(HTML(f"<div>{frame}</div>"))  # type: ignore[no-untyped-call]
