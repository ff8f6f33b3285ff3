"""Options as they stand in a configuration: read, checked, and refused in one line that says where and what instead.

A reader takes the value of a key, as TOML gives it, and the place where it stands; it returns what the program works
with, or raises what `Place.error` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from graphdiag.errors import ConfigError

T = TypeVar("T")


class MissingGraphError(ConfigError):
    """A contract that cannot be checked, because the source has no graph of the kind that it needs."""


@dataclass(frozen=True)
class Place:
    """Where a value stands.

    Attributes:
        where: The file, and the table in it: ``pyproject.toml, contract 'the towers'``.
        key: The key, with the number of the entry: ``sets[1]``.
        directory: What paths are relative to.
        line: The line on which the table is named; 0 if that is not known.
    """

    where: str
    key: str = ""
    directory: Path = Path()
    line: int = 0

    def error(self, text: str) -> ConfigError:
        """What to raise about the value."""
        return ConfigError(f"{self.where}: {self.key}: {text}" if self.key else f"{self.where}: {text}")

    def at(self, key: str) -> Place:
        """The place of a key of this table."""
        return replace(self, key=f"{self.key}.{key}" if self.key else key)

    def entry(self, number: int) -> Place:
        """The place of an entry of this list."""
        return replace(self, key=f"{self.key}[{number}]")


Reader = Callable[[Any, Place], T]
_NEAR = 0.5
"""How much alike two words must be, from 0 to 1, for one to be taken for the other misspelt."""


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint for the end of an error: ``; the nearest is 'models'``; empty where nothing is near."""
    from difflib import SequenceMatcher

    # The matcher keeps what it knows of its second text.
    matcher = SequenceMatcher(b=word, autojunk=False)
    best, likeness = "", _NEAR
    for candidate in words:
        matcher.set_seq1(candidate)
        if matcher.real_quick_ratio() >= likeness and matcher.quick_ratio() >= likeness:
            ratio = matcher.ratio()
            if ratio > likeness or (ratio == likeness and not best):
                best, likeness = candidate, ratio
    return f"; the nearest is {best!r}" if best else ""


def check_keys(table: Mapping[str, Any], known: Iterable[str], place: Place) -> None:
    """Refuse keys that mean nothing."""
    known = list(known)
    for key in table:
        if key not in known:
            hint = nearest(key, known) or f"; there are {', '.join(known)}"
            raise place.error(f"there is no key {key!r}{hint}.")


def text(value: Any, place: Place) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise place.error(f"must be a string, not {_described(value)}.")
    return value


def flag(value: Any, place: Place) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise place.error(f"must be true or false, and is {_described(value)}.")
    return value


def number(value: Any, place: Place) -> int:
    """A whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise place.error(f"must be a whole number from 0 on, and is {_described(value)}.")
    return value


def table(value: Any, place: Place) -> Mapping[str, Any]:
    """A table."""
    if not isinstance(value, Mapping):
        raise place.error(f"must be a table, and is {_described(value)}.")
    return value


def path(value: Any, place: Place) -> Path:
    """A path; relative to the configuration."""
    return place.directory / text(value, place)


def choice(*words: str) -> Reader[str]:
    """One of some words."""

    def read(value: Any, place: Place) -> str:
        if value not in words:
            raise place.error(f"must be one of {', '.join(words)}, and is {_described(value)}{_near(value, words)}.")
        return str(value)

    return read


def _near(value: Any, words: Iterable[str]) -> str:
    return nearest(value, words) if isinstance(value, str) else ""


def list_of(read_entry: Reader[T], at_least: int = 1) -> Reader[tuple[T, ...]]:
    """A list whose entries are all of one kind."""

    def read(value: Any, place: Place) -> tuple[T, ...]:
        if not isinstance(value, (list, tuple)):
            raise place.error(f"must be a list, and is {_described(value)}.")
        if len(value) < at_least:
            raise place.error(f"must have at least {at_least} {'entry' if at_least == 1 else 'entries'}.")
        return tuple(read_entry(entry, place.entry(row)) for row, entry in enumerate(value))

    return read


def _described(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)
