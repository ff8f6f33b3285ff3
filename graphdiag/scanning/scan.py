"""The scan, from places to a report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from graphdiag.diagnosis.registry import all_rules
from graphdiag.diagnosis.registry import select as choose
from graphdiag.parallel.engines import engine
from graphdiag.parallel.processes import Limits, TaskDiedError
from graphdiag.parallel.streams import in_order
from graphdiag.parallel.task_executor import TaskExecutor
from graphdiag.results.scan_report import ScanReport, View
from graphdiag.results.scan_rows import ScanRow
from graphdiag.scanning.discovery import find
from graphdiag.scanning.places import check_directory
from graphdiag.scanning.store import StoreError
from graphdiag.scanning.structures import changes
from graphdiag.scanning.table import RowTable, order_of
from graphdiag.scanning.tasks import Outcome, ScanOptions, Task, failed, runs_code, work
from graphdiag.source_names import scheme_of

SECONDS = 300.0
"""That one run or model may take."""
MEMORY = 4 * 2**30
"""Bytes that the comparison of one run or model may take."""

_CHANGES_TOLD = 1_000
_WINDOW = 64
"""Tasks under way for each process."""
_TASKS = 1_000
"""That one process runs before another takes its place."""

Progress = Callable[[ScanRow | None], None]
"""Is told each row, in order; ``None`` for what holds neither a graph nor a model."""


def scan(
    *paths: str | os.PathLike[str],
    python: bool = False,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    store: str | os.PathLike[str] | None = None,
    pages: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    view: View | None = None,
    progress: Progress | None = None,
) -> ScanReport:
    """Compare every run and model below some places.

    Args:
        *paths: Directories, files and addresses that fsspec reads, and patterns of them. A run is a directory that
            holds event files, as in TensorBoard.
        python: Whether Python files and notebooks count, whose code is run.
        select: Codes of the rules to report, or beginnings of codes; all rules if empty.
        ignore: Codes of the rules not to report.
        store: A directory, or an address that fsspec writes, in which results are kept: what has not changed is not
            compared again.
        pages: Likewise, for the page of each run, as ``graphdiag compare --format html`` writes it.
        jobs: How many runs are compared at a time; as many as this process may use cores if ``None``.
        scheduler: The address of a Dask scheduler, or ``local`` for a Dask cluster on this machine.
        seconds: That one run or model may take.
        memory: Bytes that the comparison of one run or model may take.
        view: Which rows the formats for people show.
        progress: Is told each row as soon as it and those before it are there.

    Returns:
        The report. What cannot be read is a row of it, and keeps nothing else from being compared. The rows are on
        disk, for as long as the report lives.

    Raises:
        UsageError: An option cannot be met.
        SourceError: A place is not there, or cannot be listed.
        StoreError: The store or the place for pages is full, or may not be written to; what was found before is in
            the store.
        ProgramError: The scheduler is lost; likewise.
    """
    start = time.perf_counter()
    choose(all_rules(), select, ignore)
    view = view or View()
    order_of(view.sort)
    options = ScanOptions(tuple(select), tuple(ignore), _place(store), _place(pages))
    for option, directory in (("--store", options.store), ("--pages", options.pages)):
        check_directory(option, directory)
    tasks = (Task(found, options) for found in find([os.fspath(path) for path in paths], python=python))
    limits = Limits(seconds, memory, _TASKS, attempts=2)
    table = RowTable()
    passed_over = reused = 0
    with engine(jobs or _cores(), limits, runs_code, scheduler) as executor:
        for task, outcome in _outcomes(executor, tasks):
            if outcome.store_error:
                raise StoreError(_incomplete(outcome.store_error, table))
            passed_over += not outcome.rows
            reused += outcome.reused
            for key, packed in outcome.snapshots.items():
                table.add_structure(key, packed)
            for row in outcome.rows:
                table.add(row, task.found.series)
                if progress:
                    progress(row)
            if not outcome.rows and progress:
                progress(None)
    told, in_all = changes(table, _CHANGES_TOLD)
    return ScanReport(
        places=[os.fspath(path) for path in paths],
        rows=table,
        rules=table.rules(),
        changes=told,
        changes_in_all=in_all,
        passed_over=passed_over,
        reused=reused,
        seconds=time.perf_counter() - start,
        pages=options.pages,
        view=view,
    )


def _outcomes(executor: TaskExecutor, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
    for task, future in in_order(executor, work, tasks, _WINDOW):
        try:
            yield task, future.result()
        except TaskDiedError as died:
            yield task, failed(task.found, f"{task.found.shown}: {died.reason}.")


def _incomplete(what: str, table: RowTable) -> str:
    return f"{what} {len(table):,} rows were done; when it can be written to, run the same command again."


def _place(place: str | os.PathLike[str] | None) -> str:
    """A place to write to, from any directory."""
    if place is None:
        return ""
    text = os.fspath(place)
    return text if scheme_of(text) else os.path.abspath(text)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
