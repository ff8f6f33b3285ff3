"""The kinds of sources, those of other packages included.

A kind is one module in `graphdiag.sources.kinds`, found by scanning, with a ``KIND``. Another package adds kinds
through the entry-point group ``graphdiag.sources``; each entry point names a `SourceKind`:

    [project.entry-points."graphdiag.sources"]
    onnx = "acme_graphs.onnx:ONNX"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from graphdiag.errors import GraphdiagError
from graphdiag.plugins import plugins
from graphdiag.source_names import scheme_of
from graphdiag.sources.opened import Opened
from graphdiag.sources.project_modules import ModulePlace

GROUP = "graphdiag.sources"
"""The entry-point group for kinds of other packages."""
REMOTE = "remote"
"""Name of the kind that copies what an address has, and opens the copy as the kind that it is."""


_FOREIGN_NAME = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What a user says about a source beside its path; ``None`` where nothing is said.

    Attributes:
        run: Run of a TensorBoard log.
        tag: Tag in a TensorBoard log.
        entry: Name of the model, or of the function that builds it, in a Python file.
        arguments: Arguments for that function.
        graph: Which op graph of a live model: ``training``, ``inference`` or ``train-step``.
        input_shape: Shape or shapes to call a model with that was never called.
        script_arguments: Command line of a Python file.
        run_to_end: Whether a Python file is run as Python runs it, training included.
        load: Whether a saved model is loaded and traced.
        unsafe: Whether code that a saved model holds may be run when it is loaded.
        place: Where a Python file stands, if the user has named it as a module.
    """

    run: str | None = None
    tag: str | None = None
    entry: str | None = None
    arguments: Mapping[str, Any] | None = None
    graph: str | None = None
    input_shape: Any = None
    script_arguments: Sequence[str] | None = None
    run_to_end: bool | None = None
    load: bool | None = None
    unsafe: bool | None = None
    place: ModulePlace | None = None

    def given(self) -> Sequence[str]:
        """The fields that say something."""
        names = [field.name for field in fields(self) if field.name != "place"]
        return [name for name in names if getattr(self, name) not in (None, False, {}, (), [])]


class Match(Enum):
    """How sure a kind is that a path is its own."""

    CONTENT = "content"
    """The content says so, whatever the name is."""
    NAME = "name"
    """The name says so, whatever its suffix is."""
    GUESS = "guess"
    """It may be; the suffix of the name decides if it is one that some kind has."""


@dataclass(frozen=True, kw_only=True)
class SourceKind:
    """A kind of source.

    A kind opens paths, or, where it names schemes, addresses as ``s3://bucket/logs``; never both.

    Attributes:
        name: As it stands in reports: ``event_log``; ``acme.chain`` for a kind of the package ``acme``.
        title: In messages: ``a TensorBoard log``.
        open: Opens a path, or an address, which is given as text. It raises `SourceError` about what it cannot read.
        suffixes: Of the names of its files, in lower case: ``.pb``.
        detect: Looks at a path and at the first bytes of the file, none for a directory. ``None``: not of this kind,
            unless the suffix says so.
        schemes: Of the addresses that it opens: ``http``. Of several kinds with one scheme, ``detect`` says how sure
            each is of an address, as it does for a path, with no first bytes; ``None`` refuses it.
        options: The fields of `SourceOptions` that it understands; others are refused.
        holds: What a directory of this kind has in it: ``TensorBoard event files``.
        instead: What to give instead of a directory that is of two kinds: ``an event file``.
    """

    name: str
    title: str
    open: Callable[[Path, SourceOptions], Opened] | Callable[[str, SourceOptions], Opened]
    suffixes: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    detect: Callable[[Path, bytes], Match | None] | Callable[[str, bytes], Match | None] | None = None
    options: frozenset[str] = frozenset()
    holds: str = ""
    instead: str = ""


@lru_cache(maxsize=1)
def own_kinds() -> Sequence[SourceKind]:
    """The kinds that graphdiag has, by name."""
    from graphdiag.sources import kinds

    return [import_module(module.name).KIND for module in iter_modules(kinds.__path__, f"{kinds.__name__}.")]


@lru_cache(maxsize=1)
def all_kinds() -> Sequence[SourceKind]:
    """The kinds of graphdiag, then those of other packages: where both know a path, graphdiag's own opens it.

    Raises:
        GraphdiagError: A package's kind cannot be loaded, is not a kind of source, or has the name or a suffix of
            another.
    """
    kinds = list(own_kinds())
    for described, kind in plugins(GROUP, "source"):
        if not isinstance(kind, SourceKind):
            raise GraphdiagError(f"{described} is a {type(kind).__name__}, and must be a graphdiag SourceKind.")
        if not _FOREIGN_NAME.fullmatch(kind.name):
            raise GraphdiagError(f"{described}: the name {kind.name!r} must have a dot, as acme.chain has.")
        if kind.name in {other.name for other in kinds}:
            raise GraphdiagError(f"{described}: there is a kind {kind.name!r} already; give it another name.")
        taken = sorted({suffix for other in kinds for suffix in other.suffixes}.intersection(kind.suffixes))
        if taken:
            raise GraphdiagError(f"{described}: {taken[0]} files are of another kind already; detect the content.")
        unknown = sorted(kind.options - {field.name for field in fields(SourceOptions)})
        if unknown:
            raise GraphdiagError(f"{described}: there is no option {unknown[0]!r}.")
        kinds.append(kind)
    return tuple(kinds)


def matching(kinds: Iterable[SourceKind], path: Path | str, start: bytes) -> Sequence[tuple[SourceKind, Match]]:
    """The kinds that take a path or an address for their own whatever its suffix is, and how sure each is.

    Args:
        kinds: The kinds to ask.
        path: The file or directory; an address as text.
        start: The first bytes of the file; none for a directory and for an address.

    Raises:
        GraphdiagError: A kind fails; the message names it.
    """
    scheme = scheme_of(path)
    able = [kind for kind in kinds if kind.detect and (scheme in kind.schemes if scheme else not kind.schemes)]
    found = [(kind, _guarded(kind, path, kind.detect, path, start)) for kind in able if kind.detect]
    return [(kind, match) for kind, match in found if match]


def open_with(kind: SourceKind, path: Path | str, options: SourceOptions) -> Opened:
    """Open a path or an address as a source of one kind.

    Raises:
        GraphdiagError: It cannot be opened.
    """
    opened: Opened = _guarded(kind, path, kind.open, path, options)
    return opened


def _guarded(kind: SourceKind, path: Path | str, function: Callable[..., Any], *arguments: Any) -> Any:
    if kind in own_kinds():
        return function(*arguments)
    try:
        return function(*arguments)
    except GraphdiagError:
        raise
    # A plug-in is foreign code: it may fail in any way.
    except Exception as error:
        what = str(error).partition("\n")[0] or type(error).__name__
        raise GraphdiagError(f"{path}: the kind {kind.name!r} of another package fails on it: {what}") from error
