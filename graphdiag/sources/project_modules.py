"""Where a Python file stands in its project: its name as a module, and from where its imports are found."""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from graphdiag.errors import SourceError
from graphdiag.source_names import REFERENCE

_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", ".git")
_FARTHEST = 8
"""Directories above a file in which its project is looked for."""


@dataclass(frozen=True)
class ModulePlace:
    """Where a file stands.

    Attributes:
        file: The file.
        name: Its name as a module of a package, ``package.models.net``; empty for a file that stands alone.
        roots: Directories for ``sys.path``, the first one first.
    """

    file: Path
    name: str
    roots: tuple[str, ...]


def place_of(file: Path, source: bytes) -> ModulePlace:
    """Where a file stands.

    Args:
        file: The file.
        source: Its text. Where it has relative imports and no ``__init__.py`` beside it, its directories up to the
            project's root are taken for packages.
    """
    whole = Path(os.path.abspath(file))
    project = _project_roots(whole.parent)
    directory = whole.parent
    while (directory / "__init__.py").is_file() and directory != directory.parent:
        directory = directory.parent
    if directory == whole.parent and _imports_relatively(source):
        holding = [
            root for root in (*project, Path.cwd()) if whole.parent.is_relative_to(root) and root != whole.parent
        ]
        directory = max(holding, key=lambda root: len(root.parts), default=directory.parent)
    parts = whole.relative_to(directory).with_suffix("").parts
    name = "" if directory == whole.parent else ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    roots = dict.fromkeys([str(directory), *map(str, project)])
    return ModulePlace(file, name, tuple(roots))


def find_module(reference: str) -> tuple[ModulePlace, str] | None:
    """The file of ``package.module:attribute``, without importing anything.

    It is looked for from the working directory, its ``src``, the root of the project that it lies in, and ``sys.path``.

    Args:
        reference: What the user gave; the attribute may be left out.

    Returns:
        The file's place and the attribute, which may be empty; ``None`` if it is not written like that.

    Raises:
        SourceError: It is written like that, with a colon, and there is no such module.
    """
    match = REFERENCE.fullmatch(reference)
    if match is None:
        return None
    parts = match[1].split(".")
    roots = dict.fromkeys([*map(str, _roots_at(Path.cwd())), *map(str, _project_roots(Path.cwd())), *sys.path])
    for root in roots:
        base = Path(root or ".").joinpath(*parts)
        for file in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if os.path.isfile(file):
                others = [other for other in roots if other not in (root, *sys.path)]
                return ModulePlace(file, match[1], (root, *others)), match[2] or ""
    if match[2] is None:
        return None
    where = ", ".join(os.path.relpath(root) for root in map(str, _roots_at(Path.cwd())))
    raise SourceError(f"{reference}: there is no module {match[1]!r} in {where}, nor installed; give its file instead.")


def _roots_at(directory: Path) -> list[Path]:
    """A directory, and the ``src`` in it."""
    return [directory, *([directory / "src"] if (directory / "src").is_dir() else ())]


def _project_roots(directory: Path) -> list[Path]:
    """The nearest directory, from here upwards, that looks like a project's, and the ``src`` in it."""
    for above in [directory, *directory.parents][:_FARTHEST]:
        if any((above / name).exists() for name in _PROJECT_FILES):
            return _roots_at(above)
    return []


def _imports_relatively(source: bytes) -> bool:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.ImportFrom) and node.level > 0 for node in ast.walk(tree))
