"""What a scan found, ready for any format: the rows on disk, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from graphdiag.results.renderable import Renderable
from graphdiag.results.scan_rows import ScanRow


class Rows(Protocol):
    """The rows of a scan, however many there are."""

    def __len__(self) -> int:
        """How many."""

    def __iter__(self) -> Iterator[ScanRow]:
        """In the order in which they were found."""

    def chosen(self, sort: Sequence[str], only: str, most: int | None = None) -> Iterator[ScanRow]:
        """Sorted and filtered; see `View`."""

    def count(self, only: str) -> int:
        """How many there are of some sort; see `View.only`."""


@dataclass(frozen=True)
class View:
    """Which rows are shown, and in which order.

    Attributes:
        sort: Columns, as ``hidden``; from the greatest down with a ``-`` before it. What needs attention first if
            empty.
        only: ``artifact``, ``hidden``, ``missing``, ``any`` of these, or ``unreadable``; empty for all rows.
        most: Rows of the text; ``None`` for all.
    """

    sort: tuple[str, ...] = ()
    only: str = ""
    most: int | None = None


@dataclass(frozen=True)
class Culprit:
    """What causes findings of one rule: an op or a layer.

    Attributes:
        name: Its own name, without the scopes around it and without the number that makes it unique.
        runs: In how many runs it does.
    """

    name: str
    runs: int


@dataclass(frozen=True)
class RuleSummary:
    """One rule over all runs.

    Attributes:
        code: As ``GD101``.
        rule: Its name.
        verdict: As ``artifact``.
        severity: The most severe.
        runs: In how many runs it found something.
        since: When the first of them was begun, in seconds since 1970; ``None`` where that is not known.
        until: When the last of them was begun; likewise.
        first: The source of the first of them.
        culprits: What causes it, the most frequent first; not all of them.
        culprits_in_all: How many different culprits there are.
    """

    code: str
    rule: str
    verdict: str
    severity: str
    runs: int
    since: float | None
    until: float | None
    first: str
    culprits: Sequence[Culprit] = ()
    culprits_in_all: int = 0


@dataclass(frozen=True)
class StructureChange:
    """A run whose structure is another than that of the run before.

    Attributes:
        source: The run.
        before: The run before, in the same directory.
        written: When the run was begun.
        words: What changed, in one sentence.
    """

    source: str
    before: str
    written: float | None
    words: str


@dataclass(frozen=True)
class ScanReport(Renderable):
    """What a scan found.

    Attributes:
        places: What was scanned, as the user gave it.
        rows: One for each graph of a run, each model, and each of what could not be read.
        rules: What the rules found over all runs: the most severe first, and of these the most frequent.
        changes: Runs whose structure is another than that of the run before, in the order of time.
        changes_in_all: How many there are at most; `changes` has the first ones.
        passed_over: How many runs and files hold neither a graph nor a model.
        reused: How many runs and files had not changed since they were scanned before.
        seconds: How long the scan took.
        pages: Where the pages of the runs are; empty where there are none.
        view: Which rows are shown, and in which order.
    """

    result_type: ClassVar[str] = "scan"

    places: Sequence[str]
    rows: Rows
    rules: Sequence[RuleSummary] = ()
    changes: Sequence[StructureChange] = ()
    changes_in_all: int = 0
    passed_over: int = 0
    reused: int = 0
    seconds: float = 0.0
    pages: str = ""
    view: View = field(default_factory=View)

    @property
    def unreadable(self) -> int:
        """How many sources could not be read."""
        return self.rows.count("unreadable")

    @property
    def compared(self) -> int:
        """How many rows are graphs or models that were read."""
        return len(self.rows) - self.unreadable

    def shown(self) -> Iterator[ScanRow]:
        """The rows as the user wants them: sorted, filtered, and no more than that."""
        return self.rows.chosen(self.view.sort, self.view.only, self.view.most)

    def __repr__(self) -> str:
        counts: dict[str, Any] = {name: self.rows.count(name) for name in ("artifact", "hidden", "missing")}
        counts["unreadable"] = self.unreadable
        return f"ScanReport({len(self.rows)} rows, {', '.join(f'{name}={number}' for name, number in counts.items())})"
