"""What is done in processes of their own: each task is data, and so is what comes of it.

TensorBoard's own process makes the tasks, so what does them is imported when it is done.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.errors import GraphdiagError
from graphdiag.lazy import lazy
from graphdiag.tensorboard_plugin.places import Graph
from graphdiag.tensorboard_plugin.survey import Survey, survey

if TYPE_CHECKING:
    from graphdiag.results.report import Report

report_on = lazy("graphdiag.tensorboard_plugin.opening:report_on")

_NICENESS = 10
_LEVEL = 5
"""Of compression: the pages go to a browser that is near."""


@dataclass(frozen=True)
class Answer:
    """Say in one line what is found in a graph."""

    graph: Graph


@dataclass(frozen=True)
class Page:
    """Write the page of a graph."""

    graph: Graph
    file: str


@dataclass(frozen=True)
class Repaired:
    """Write the event file of a graph that TensorBoard draws right."""

    graph: Graph
    file: str


@dataclass(frozen=True)
class Changes:
    """Write the page of what changed between two graphs."""

    old: Graph
    new: Graph
    file: str


Task = Survey | Answer | Page | Repaired | Changes


@dataclass(frozen=True)
class Failure:
    """Why a task could not be done, in one line."""

    line: str


def work(task: Task) -> Any:
    """Do a task.

    Args:
        task: The task.

    Returns:
        A `RunPlaces` for a `Survey`; for the others what the tab shows, as JSON-ready data; or a `Failure`.
    """
    _step_back()
    try:
        return _DONE_BY[type(task)](task)
    except GraphdiagError as error:
        return Failure(str(error))
    except MemoryError:
        return Failure("This log needs more memory than the tab may take; 'graphdiag compare' on it has no such limit.")
    # What a damaged log can lead to is not bounded; the next run is to be read all the same.
    except Exception as error:
        what = str(error).partition("\n")[0]
        return Failure(f"graphdiag failed on this log, which is a defect of its own: {type(error).__name__}: {what}")


@cache
def _step_back() -> None:
    """Leave the processor to TensorBoard and to whatever trains, and start no threads that are not needed."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if hasattr(os, "nice"):
        os.nice(_NICENESS)


def _answer(task: Answer) -> dict[str, Any]:
    return _told(report_on(task.graph))


def _told(report: Report) -> dict[str, Any]:
    """What the list says of a report."""
    from graphdiag.render.headline import headline

    layers, ops = report.layer_graph, report.op_graph
    return {
        "tag": report.origin.tag,
        "headline": headline(report),
        "counts": asdict(report.summary),
        "stack": report.origin.stack,
        "layers": None if layers is None else len(layers.layers),
        "ops": None if ops is None else len(ops),
        "repairable": layers is not None,
    }


def _page(task: Page) -> dict[str, Any]:
    from graphdiag.render.html.page import to_served_html

    report = report_on(task.graph)
    _write(task.file, to_served_html(report))
    return _told(report)


def _repaired(task: Repaired) -> dict[str, Any]:
    from graphdiag.repairing.repair import repair_opened
    from graphdiag.repairing.written_log import event_file

    report = report_on(task.graph)
    assert report.opened is not None
    repair = repair_opened(report.opened, report.opened.layer_graph)
    Path(task.file).write_bytes(event_file(repair))
    return {"notes": list(repair.notes)}


def _changes(task: Changes) -> dict[str, Any]:
    from dataclasses import replace

    from graphdiag.modeldiff.differ import diff
    from graphdiag.modeldiff.take_snapshot import take
    from graphdiag.render.html.diff_page import to_html

    found = diff(take(report_on(task.old)), take(report_on(task.new)))
    found = replace(found, titles=(_title(task.old), _title(task.new)))
    _write(task.file, to_html(found))
    return {"equal": found.equal}


def _title(graph: Graph) -> str:
    return graph.places.run + (f", tag {graph.tag}" if graph.tag else "")


def _write(file: str, page: str) -> None:
    Path(file).write_bytes(gzip.compress(page.encode("utf-8"), _LEVEL, mtime=0))


_DONE_BY: dict[type, Callable[[Any], Any]] = {
    Survey: survey,
    Answer: _answer,
    Page: _page,
    Repaired: _repaired,
    Changes: _changes,
}
