"""Decide which kind of source a path or an address is, by its content and then by its name, and open it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from graphdiag.errors import SourceError, UsageError
from graphdiag.source_names import path_or_address, scheme_of
from graphdiag.sources.files import read_start
from graphdiag.sources.opened import Opened
from graphdiag.sources.project_modules import find_module
from graphdiag.sources.registry import (
    REMOTE,
    Match,
    SourceKind,
    SourceOptions,
    all_kinds,
    matching,
    open_with,
    own_kinds,
)

_FLAGS = {"arguments": "--arg", "script_arguments": "what stands after --"}
"""Options of the command line that are not called as the field is."""

_HOST_AND_PORT = re.compile(r"[\w.-]+:[0-9]{2,5}(/.*)?")

_ACCEPTED = (
    "give a Python file, a TensorBoard log directory, event file or address, a .pb or .pbtxt GraphDef, a SavedModel "
    "directory, or a model as .keras, .h5 or Keras JSON"
)


def open_source(path: str | Path, options: SourceOptions | None = None) -> Opened:
    """Open any source.

    Args:
        path: A file, a directory or an address (``http://localhost:6006/``) of one of the kinds that the README
            lists, or of a kind that a package adds.
        options: What the user says about it.

    Returns:
        The graphs that the source holds.

    Raises:
        SourceError: There is no such path, or it is of no known kind, or damaged.
        UsageError: An option does not apply to this kind of source, or names something that it does not hold.
        ModelError: A Python file has no usable model.
    """
    options = options or SourceOptions()
    where = path_or_address(path)
    if isinstance(where, str):
        kind = _kind_of_address(where)
        _refuse_options(where, kind, options)
        return open_with(kind, where, options)
    if not os.path.exists(where):
        opened = _open_module(str(path), options)
        if opened is not None:
            return opened
    kind = _kind(where)
    _refuse_options(where, kind, options)
    return open_with(kind, where, options)


def _open_module(reference: str, options: SourceOptions) -> Opened | None:
    """Open ``package.module:attribute``; ``None`` where it is not the name of a module that is there."""
    found = find_module(reference)
    if found is None:
        return None
    place, attribute = found
    if attribute and options.entry:
        raise UsageError(f"--entry {options.entry}: {reference} names {attribute!r} already; leave one of them out.")
    script = next(kind for kind in own_kinds() if kind.name == "script")
    _refuse_options(Path(reference), script, options)
    file = Path(os.path.relpath(place.file)) if place.file.is_relative_to(Path.cwd()) else place.file
    wanted = replace(options, entry=attribute or options.entry, place=replace(place, file=file))
    opened = open_with(script, file, wanted)
    return replace(opened, origin=replace(opened.origin, path=reference))


def _refuse_options(path: Path | str, kind: SourceKind, options: SourceOptions) -> None:
    for first in options.given():
        if first not in kind.options:
            # What an address leads to is of one of the other kinds.
            owners = [other for other in all_kinds() if first in other.options and other.name != REMOTE]
            unfit = [name for name in options.given() if all(name in owner.options for owner in owners)]
            flags = [_FLAGS.get(name, f"--{name.replace('_', '-')}") for name in unfit]
            raise UsageError(
                f"{' and '.join(flags)} {'applies' if len(flags) == 1 else 'apply'} to "
                f"{' and '.join(owner.title for owner in owners)} only, and {path} is {kind.title}."
            )


def _kind_of_address(address: str) -> SourceKind:
    scheme = scheme_of(address)
    if not any(scheme in kind.schemes for kind in all_kinds()):
        known = sorted({f"{scheme}://" for kind in all_kinds() for scheme in kind.schemes})
        raise SourceError(f"{address}: addresses with {scheme}:// are not read; {_listed(known)}.")
    found = sorted(matching(all_kinds(), address, b""), key=lambda match: [*Match].index(match[1]))
    if not found:
        raise SourceError(f"{address}: is the address of nothing that can be read; {_accepted()}.")
    return found[0][0]


def _listed(schemes: Sequence[str]) -> str:
    """What to do about an address with another scheme."""
    return f"give one with {' or '.join(schemes)}, or a path" if schemes else "give a path"


def _kind(path: Path) -> SourceKind:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        at = f"; a running TensorBoard is http://{path}" if _HOST_AND_PORT.fullmatch(str(path)) else ""
        raise SourceError(f"{path} does not exist{at}.") from None
    except (OSError, ValueError) as error:
        # ValueError: the path holds a null byte.
        raise SourceError(f"{str(path)!r} cannot be read: {_reason(error)}.") from error
    if stat.S_ISDIR(mode):
        return _kind_of_directory(path)
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path} is neither a file nor a directory; {_accepted()}.")
    return _kind_of_file(path)


def _kind_of_directory(path: Path) -> SourceKind:
    try:
        is_empty = not any(os.scandir(path))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {_reason(error)}.") from error
    if is_empty:
        raise SourceError(f"{path} is an empty directory; {_accepted()}.")
    own = [kind for kind, _ in matching(own_kinds(), path, b"")]
    if len(own) > 1:
        first, second = sorted(own, key=lambda kind: kind.holds.lower())
        raise SourceError(
            f"{path} holds both {first.holds} and {second.holds}; give {first.instead} or {second.instead}."
        )
    found = own or [kind for kind, _ in matching(all_kinds(), path, b"")]
    if not found:
        raise SourceError(f"{path} holds neither TensorBoard event files nor a SavedModel; {_accepted()}.")
    return found[0]


def _kind_of_file(path: Path) -> SourceKind:
    start = read_start(path)
    found = matching(all_kinds(), path, start)
    by = {sure: [kind for kind, match in found if match is sure] for sure in Match}
    by_suffix = [kind for kind in all_kinds() if path.suffix.lower() in kind.suffixes]
    candidates = [*by[Match.CONTENT], *by[Match.NAME], *by_suffix, *by[Match.GUESS]]
    if not candidates:
        raise SourceError(f"{path} is of no known kind; {_accepted()}.")
    return candidates[0]


def _accepted() -> str:
    others = [kind.title for kind in all_kinds() if kind not in own_kinds()]
    return f"{_ACCEPTED}, or {' or '.join(others)}" if others else _ACCEPTED


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
