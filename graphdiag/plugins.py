"""What other packages hand in through entry points."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

from graphdiag.errors import GraphdiagError


def plugins(group: str, word: str) -> Iterator[tuple[str, Any]]:
    """Load what packages have entered in a group, in the order of the names.

    Args:
        group: The entry-point group.
        word: What each is called in messages, as ``rule``.

    Yields:
        How messages name it, and the object.

    Raises:
        GraphdiagError: One cannot be loaded.
    """
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        package = f" of {entry.dist.name}" if entry.dist else ""
        described = f"the {word} {entry.name}{package} ({entry.value})"
        yield described, _load(entry, described)


def _load(entry: EntryPoint, described: str) -> Any:
    try:
        return entry.load()
    # A plug-in is foreign code: its import may fail in any way.
    except Exception as error:
        what = str(error).partition("\n")[0] or type(error).__name__
        raise GraphdiagError(f"{described} cannot be loaded: {what}. Update the package, or uninstall it.") from error
