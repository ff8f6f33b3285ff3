"""The code cells of a Jupyter notebook as Python code: shell lines and magics are left out."""

from __future__ import annotations

import linecache
import os
import re
import shlex
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphdiag.errors import ModelError, SourceError
from graphdiag.extras import INSTALL_NOTEBOOKS
from graphdiag.sources.code_parts import CodePart
from graphdiag.sources.files import LARGEST_SAVED, read_regular

_RUN_ALL_THE_SAME = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "skip_if_done"})
"""Cell magics that run the cell as Python; the cells of all others hold something else."""

_WRITE_FILES = frozenset({"writefile", "file"})
"""Cell magics that write the cell to a file, which later cells may import."""

_FOR_A_SHELL = re.compile(r"(\s*)([%!?]|[\w.]+\?{1,2}\s*$)")
_FROM_A_SHELL = re.compile(r"(\s*[\w, ]+=\s*)[%!]\S")


class _Shell:
    """Stands for IPython's shell: it writes the files of ``%%writefile``, and does nothing else that it is asked."""

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """Do what a cell magic says.

        Args:
            name: The magic.
            line: What stands behind it.
            cell: The lines below.
        """
        if name in _WRITE_FILES:
            *options, file = shlex.split(line)
            os.makedirs(os.path.dirname(file) or os.curdir, exist_ok=True)
            with open(file, "a" if {"-a", "--append"}.intersection(options) else "w", encoding="utf-8") as written:
                written.write(cell)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


def _nothing(*_: Any, **__: Any) -> None:
    """What `display` shows is for a notebook's reader alone."""


IPYTHON_NAMES: Mapping[str, Any] = {"display": _nothing, "get_ipython": _Shell}
"""What IPython gives to every cell without an import."""


def cells(path: Path) -> list[CodePart]:
    """The code cells of a notebook, in order.

    Args:
        path: The notebook.

    Returns:
        A part for each code cell that has Python in it; lines keep their numbers.

    Raises:
        SourceError: The file cannot be read or is not a notebook.
        ModelError: ``nbformat`` is not installed.
    """
    try:
        import nbformat
    except ModuleNotFoundError as error:
        raise ModelError(f"{path} is a notebook; reading it needs nbformat: {INSTALL_NOTEBOOKS}") from error
    try:
        text = read_regular(path, LARGEST_SAVED).decode("utf-8")
        with warnings.catch_warnings():
            # It warns of cells without an id, which are read all the same.
            warnings.simplefilter("ignore")
            notebook: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # nbformat raises what its validators and parsers raise
        raise SourceError(f"{path} is not a Jupyter notebook that nbformat can read.") from error
    language = notebook.metadata.get("kernelspec", {}).get("language") or "python"
    if str(language).lower() != "python":
        raise SourceError(f"{path} is a notebook in {language}; give one in Python.")
    parts = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        source = _python(str(cell.source), path.parent)
        if source.strip():
            part = CodePart(f"{path} (cell {number})", source.encode())
            # AutoGraph and inspect look for the source of a function here.
            linecache.cache[part.filename] = (len(source), None, source.splitlines(keepends=True), part.filename)
            parts.append(part)
    return parts


def _python(source: str, directory: Path) -> str:
    """A cell without what IPython alone understands.

    Args:
        source: The cell.
        directory: Where the notebook lies, and where its kernel would be started.
    """
    first, _, rest = source.lstrip("\n").partition("\n")
    if first.startswith("%%"):
        magic, _, line = first[2:].partition(" ")
        if magic in _RUN_ALL_THE_SAME:
            return "\n" + _python(rest, directory)
        return _writing(magic, line, rest, directory) if magic in _WRITE_FILES else ""
    try:
        compile(source, "cell", "exec")
    except (SyntaxError, ValueError):
        return "\n".join(_lines(source))
    return source


def _writing(magic: str, line: str, text: str, directory: Path) -> str:
    """The call of the shell that writes a file; nothing where it lies outside of the notebook's directory.

    What a script writes itself is its user's affair. But notebooks put keys for services into the home directory, where
    the user has some already, and no import needs those.
    """
    try:
        *options, file = shlex.split(line)
        if os.path.isabs(file) and not os.path.isdir(os.path.dirname(file)):
            # The notebook ran on another machine: /content is where notebooks of Colab are.
            file = os.path.basename(file)
        path = Path(os.path.realpath(os.path.join(directory, os.path.expanduser(file))))
    except ValueError:  # no file can have this name
        return ""
    if not path.is_relative_to(os.path.realpath(directory)):
        return ""
    return f"get_ipython().run_cell_magic({magic!r}, {shlex.join([*options, str(path)])!r}, {text!r})\n"


def _lines(source: str) -> list[str]:
    lines, continued = [], False
    for line in source.split("\n"):
        shell = _FOR_A_SHELL.match(line)
        assigned = _FROM_A_SHELL.match(line)
        ends = line.rstrip().endswith("\\")
        if continued:
            lines.append("")
            continued = ends
        elif shell:
            lines.append(f"{shell[1]}pass")
            continued = ends
        elif assigned:
            lines.append(f"{assigned[1]}[]")
            continued = ends
        else:
            lines.append(line)
    return lines
