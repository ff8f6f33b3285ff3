"""Which runs of a log a user means, by name, beginning, pattern or as the latest; and a table to choose from."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from graphdiag.sources.event_runs import Run

LATEST = "latest"
_WILD = frozenset("*?[")
_WRITTEN_AT = re.compile(r"tfevents\.([0-9]{9,11})(\.|$)")
_ROWS = 20
_LONGEST = 80
"""Characters of what stands in a column."""
_BESIDE_TRAIN = "validation"


def meant(wanted: str, written: Mapping[str, float], with_graphs: Collection[str]) -> list[str]:
    """The runs that a user means.

    Args:
        wanted: Name of a run, how its name begins, a pattern as ``exp*``, or ``latest``: the newest that holds a graph.
        written: All runs of the log, each with a number that is the greater the later it was begun.
        with_graphs: Names of those that hold a graph or a Keras model.

    Returns:
        Names of runs; of several that fit, those with graphs. Empty if none fits.
    """
    if wanted in written:
        return [wanted]
    if wanted == LATEST:
        newest = max(with_graphs, key=lambda name: (written[name], name), default=None)
        return [] if newest is None else [name for name in with_graphs if _together(name) == _together(newest)]
    if _WILD.intersection(wanted):
        fitting = [
            name for name in written if any(fnmatch.fnmatchcase(form, wanted) for form in (name, _together(name)))
        ]
    else:
        fitting = [name for name in written if name.startswith(f"{wanted.rstrip('/')}/")]
        fitting = fitting or [name for name in written if name.startswith(wanted)]
    return [name for name in fitting if name in with_graphs] or fitting


def without_validation(names: Iterable[str]) -> set[str]:
    """Runs without the ``validation`` beside a ``train``: Keras writes one training into both."""
    found = set(names)
    return {name for name in found if not (_is_validation(name) and _beside(name) in found)}


def _is_validation(name: str) -> bool:
    return name.rpartition("/")[2] == _BESIDE_TRAIN


def _beside(name: str) -> str:
    return f"{name.removesuffix(_BESIDE_TRAIN)}train"


def _together(name: str) -> str:
    """What the ``train`` and the ``validation`` of one training have in common."""
    around, _, last = name.rpartition("/")
    return around if last in ("train", _BESIDE_TRAIN) else name


def written_at(run: Run) -> float:
    """When a run was begun last, in seconds since 1970: its event files are named so, or else have that time."""
    return max(map(_time_of, run.files), default=0.0)


def time_in_name(file: str) -> float | None:
    """When an event file was begun, in seconds since 1970, as its name says; ``None`` if it does not say."""
    named = _WRITTEN_AT.search(file)
    return float(named[1]) if named else None


def _time_of(file: Path) -> float:
    named = time_in_name(file.name)
    if named is not None:
        return named
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


def table(held: Mapping[str, Sequence[str]], written: Mapping[str, float], *, dated: bool = True) -> list[str]:
    """Runs that hold graphs, newest first, in lines.

    Args:
        held: What each of these runs holds, by its name.
        written: All runs of the log, each with a number that is the greater the later it was begun.
        dated: Whether these numbers are seconds since 1970, and are shown.
    """
    newest_first = sorted(held, key=lambda name: (-written[name], name))
    rows = [("RUN", "WRITTEN", "HOLDS")]
    for name in newest_first[:_ROWS]:
        date = datetime.fromtimestamp(written[name]).strftime("%Y-%m-%d %H:%M") if dated else ""
        rows.append((_short(name), date, _short(", ".join(held[name]))))
    shown = [column for column in range(3) if dated or column != 1]
    widths = (max(len(row[0]) for row in rows), 16, 0)
    lines = ["".join(f"  {row[column]:<{widths[column]}}" for column in shown).rstrip() for row in rows]
    more = len(held) - _ROWS
    return [*lines, *([f"  and {more:,} more"] if more > 0 else [])]
