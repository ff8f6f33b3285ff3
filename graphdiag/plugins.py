"""What other packages hand in through entry points."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from graphdiag.errors import GraphdiagError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


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
    if not _may_be_entered(group):
        return
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        package = f" of {entry.dist.name}" if entry.dist else ""
        described = f"the {word} {entry.name}{package} ({entry.value})"
        yield described, _load(entry, described)


def _may_be_entered(group: str) -> bool:
    """Whether some package may have entries in a group.

    Most often none has, and that is seen from the files ``entry_points.txt`` without a reader of packages' metadata,
    which takes longer to import and to run than a small graph takes to be compared. What is not a plain directory of
    packages, an egg or an archive, say, is left to that reader.
    """
    if any(finder is not PathFinder and hasattr(finder, "find_distributions") for finder in sys.meta_path):
        return True
    entered = _entered(tuple(dict.fromkeys(sys.path)))
    return entered is None or group.encode() in entered


@lru_cache(maxsize=1)
def _entered(places: Sequence[str]) -> bytes | None:
    """What the packages in some directories enter, in all groups; ``None`` where not all of it is in plain files."""
    found = []
    for place in places:
        if place.endswith(".egg") or os.path.isfile(place):
            return None
        with suppress(OSError):
            for name in os.listdir(place or "."):
                kind = os.path.splitext(name)[1].lower()
                if kind == ".egg":
                    return None
                if kind in (".dist-info", ".egg-info"):
                    with suppress(OSError), open(os.path.join(place, name, "entry_points.txt"), "rb") as file:
                        found.append(file.read())
    return b"\n".join(found)


def _load(entry: EntryPoint, described: str) -> Any:
    try:
        return entry.load()
    # A plug-in is foreign code: its import may fail in any way.
    except Exception as error:
        what = str(error).partition("\n")[0] or type(error).__name__
        raise GraphdiagError(f"{described} cannot be loaded: {what}. Update the package, or uninstall it.") from error
