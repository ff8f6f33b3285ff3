"""One task: compare one run or model, and say in a few lines what was found.

A task is small, carries an address and no data, and may be done any number of times, on any machine that reaches the
address: it gives the same each time, and what it writes to the store is written whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.comparison import compare_opened, compare_with_found, open_model_file
from graphdiag.diagnosis.finding import Finding, Severity
from graphdiag.errors import EmptySourceError, GraphdiagError, ModelError, SourceError, UsageError
from graphdiag.lazy import lazy
from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.results.scan_rows import CULPRITS_KEPT, NOTES_KEPT, RuleFound, ScanRow, from_dict
from graphdiag.scanning.discovery import FILE, PYTHON, RUN, Found
from graphdiag.scanning.listing import FoundFile
from graphdiag.scanning.places import is_there, write_whole
from graphdiag.scanning.store import RESULTS, SEEN, Store, StoreError, key_of
from graphdiag.source_names import scheme_of
from graphdiag.sources.event_log import open_runs
from graphdiag.sources.event_runs import Run, check_whole, read_run
from graphdiag.sources.files import LARGEST_JSON, open_regular, read_regular
from graphdiag.sources.model_beside import START, is_json, may_be_keras_json
from graphdiag.sources.open_source import open_source
from graphdiag.sources.remote import copy, file_system, reading

if TYPE_CHECKING:
    from graphdiag.results.report import Report
    from graphdiag.sources.opened import Opened

_headline = lazy("graphdiag.render.headline:headline")
_to_html = lazy("graphdiag.render.html.page:to_html")

_PIECE = 2**20
_MARK = "\0"
"""Stands for the address in what is stored, as the same bytes may lie at several."""


@dataclass(frozen=True)
class ScanOptions:
    """What is the same for all tasks of a scan.

    Attributes:
        select: Codes of the rules to report; all if empty.
        ignore: Codes of the rules not to report.
        store: Where results are kept; empty for nowhere.
        pages: The directory for the page of each run; empty for none.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    store: str = ""
    pages: str = ""


@dataclass(frozen=True)
class Task:
    """One run or model to compare."""

    found: Found
    options: ScanOptions


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        rows: One for each op graph of a run, one for a model; none for what holds neither.
        snapshots: The structures that the rows name, as packed snapshots.
        reused: Whether all of it was in the store.
        store_error: Why it could not be put there, or a page could not be written; empty if all that was wanted is.
    """

    rows: tuple[ScanRow, ...] = ()
    snapshots: Mapping[str, bytes] = field(default_factory=dict)
    reused: bool = False
    store_error: str = ""


def runs_code(task: Task) -> bool:
    """Whether a task runs the user's code, which leaves things behind in its process."""
    return task.found.sort == PYTHON


def work(task: Task) -> Outcome:
    """Do a task. It raises nothing: what goes wrong is a row with an error."""
    found = task.found
    if found.problem:
        return failed(found, found.problem)
    try:
        return _from_python(task) if found.sort == PYTHON else _from_data(task)
    except StoreError as error:
        return Outcome(store_error=str(error))
    except GraphdiagError as error:
        return failed(found, str(error).replace(found.address, found.shown))
    except MemoryError:
        return failed(found, f"{found.shown}: takes more memory than one run may have; --memory gives it more.")
    # A bug, or a file that no reader was made for: the other runs are compared all the same.
    except Exception as error:
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        return failed(found, f"{found.shown}: fails with {what}; 'graphdiag compare --debug' on it says more.")


def failed(found: Found, error: str) -> Outcome:
    """The outcome of a task that could not be done."""
    return Outcome((ScanRow(found.shown, found.run, kind=_kind(found), written=found.written, error=error),))


def _kind(found: Found) -> str:
    return {RUN: "event_log", PYTHON: "script"}.get(found.sort, found.sort)


# --- with the store --------------------------------------------------------------------------------------------------


def _from_data(task: Task) -> Outcome:
    found, options = task.found, task.options
    store = Store(options.store) if options.store else None
    said = [options.select, options.ignore, bool(options.pages) and found.address]
    seen = _state(found, said) if store else ""
    if store and seen:
        content = str((store.get(SEEN, seen) or {}).get("content", ""))
        outcome = _restored(store.get(RESULTS, content)) if content else None
        if outcome is not None and _pages_are_there(task, outcome):
            return _told(outcome, found)
    with ExitStack() as stack:
        model, is_sure = _model_beside(found)
        local = _local_copy(found, model, stack)
        # What fails before this line may go well another time, and is not stored.
        content = key_of(_name(found), said, _digests(found, model, local))
        outcome = _restored(store.get(RESULTS, content)) if store else None
        problem = ""
        if outcome is None or not _pages_are_there(task, outcome):
            outcome = _unnamed(_compared(task, local, model, content), local)
            problem = _put(store, RESULTS, content, _record(outcome))
    problem = problem or _put(store, SEEN, seen if is_sure else "", {"content": content})
    return replace(_told(outcome, found), store_error=problem)


def _name(found: Found) -> Sequence[str]:
    """What of a source, beside its bytes, may matter to what is found in it."""
    return [found.sort, found.address.rpartition("/")[2] if found.sort == FILE else ""]


def _put(store: Store | None, kind: str, key: str, record: dict[str, Any]) -> str:
    if store is None or not key:
        return ""
    try:
        store.put(kind, key, record)
    except StoreError as error:
        return str(error)
    return ""


def _state(found: Found, said: Sequence[Any]) -> str:
    """The key of a source in the state in which it was listed; empty where the listing does not tell states apart."""
    listed = [*found.files, *found.models]
    if not all(file.stamp and file.size is not None for file in listed):
        return ""
    files = [(file.name, file.size, file.stamp) for file in listed]
    return key_of("seen", found.sort, found.address, files, said)


def _digests(found: Found, model: str, local: Path) -> Sequence[tuple[str, str]]:
    names = [*(file.name for file in found.files), *([model] if model else [])]
    return [(name, _digest(local if found.sort == FILE else _file(local, name))) for name in names]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with open_regular(path) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def _record(outcome: Outcome) -> dict[str, Any]:
    packed = {name: data.hex() for name, data in outcome.snapshots.items()}
    return {"rows": [asdict(row) for row in outcome.rows], "snapshots": packed}


def _restored(record: Mapping[str, Any] | None) -> Outcome | None:
    """An outcome from the store; ``None`` if there is none, or the record is not one of this kind."""
    try:
        if record is None:
            return None
        rows = tuple(from_dict(row) for row in record["rows"])
        snapshots = {str(name): bytes.fromhex(data) for name, data in record["snapshots"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Outcome(rows, snapshots, reused=True)


# --- opening ---------------------------------------------------------------------------------------------------------


def _model_beside(found: Found) -> tuple[str, bool]:
    """The only file beside a run that may hold its model, as in TensorBoard's tab.

    Returns:
        Its name, empty if there is none or more than one; and whether all that count could be read. What could not has
        a row of its own that says so.
    """
    if sum(not is_json(file.name) for file in found.models) > 1:
        return "", True
    names = []
    is_sure = True
    for file in found.models:
        try:
            if _may_be_model(found, file):
                names.append(file.name)
        except (OSError, SourceError):
            is_sure = False
    return names[0] if len(names) == 1 else "", is_sure


def _may_be_model(found: Found, file: FoundFile) -> bool:
    if scheme_of(found.address):
        system, path = file_system(found.address)
        with reading(found.address):
            start = system.cat_file(f"{path.rstrip('/')}/{file.name}", end=START)
    else:
        with open_regular(Path(found.address, file.name)) as content:
            start = content.read(START)
    return not is_json(file.name) or may_be_keras_json(start, file.size)


def _local_copy(found: Found, model: str, stack: ExitStack) -> Path:
    """Where the source is on this machine: itself, or a copy of what it needs."""
    if not scheme_of(found.address):
        return Path(found.address)
    system, path = file_system(found.address)
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdiag-"))
    local = Path(directory, found.address.rpartition("/")[2] or "source")
    root = path.rstrip("/")
    one = found.files[0].name == found.address.rpartition("/")[2]
    needed = [*(file.name for file in found.files), *([model] if model else [])]
    copy(system, [(root, "")] if one else [(f"{root}/{name}", name) for name in needed], local, found.address)
    return local


def _file(local: Path, name: str) -> Path:
    return local / name if local.is_dir() else local


def _unnamed(outcome: Outcome, local: Path) -> Outcome:
    """An outcome without the path at which the bytes happened to lie."""
    path = re.compile(rf"(?<![\w/.-]){re.escape(str(local))}(?![\w.-])")
    return _with_words(outcome, lambda text: path.sub(_MARK, text))


def _told(outcome: Outcome, found: Found) -> Outcome:
    """An outcome about a source that has its place and its time."""
    said = _with_words(outcome, lambda text: text.replace(_MARK, found.shown))
    rows = [replace(row, source=found.shown, run=found.run, written=found.written) for row in said.rows]
    return replace(said, rows=tuple(rows))


def _with_words(outcome: Outcome, change: Callable[[str], str]) -> Outcome:
    rows = [
        replace(
            row,
            headline=change(row.headline),
            notes=tuple(map(change, row.notes)),
            error=change(row.error),
            rules=tuple(replace(rule, message=change(rule.message)) for rule in row.rules),
        )
        for row in outcome.rows
    ]
    return replace(outcome, rows=tuple(rows))


def _compared(task: Task, local: Path, model: str, content: str) -> Outcome:
    """What is found in a source, its path as it is on this machine."""
    found = task.found
    rows: list[ScanRow] = []
    snapshots: dict[str, bytes] = {}
    try:
        for opened, beside, seconds in _opened(found, local, model):
            row, packed = _compare(task, opened, seconds, content, beside)
            rows.append(row)
            snapshots[row.structure] = packed
    except EmptySourceError:
        return Outcome()
    except (SourceError, ModelError) as error:
        rows += failed(found, str(error)).rows
    return Outcome(tuple(rows), _without_blank(snapshots))


def _without_blank(snapshots: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {structure: packed for structure, packed in snapshots.items() if structure}


def _opened(found: Found, local: Path, model: str) -> Iterator[tuple[Opened, Path | None, float]]:
    """The graphs of a source, each with the model beside it if it has none, and the seconds that opening it took."""
    start = time.perf_counter()
    if found.sort == RUN:
        run = read_run([_file(local, file.name) for file in found.files])
        check_whole(run)
        log, beside = str(local), local / model if model and not run.keras else None
        for tag in _tags(run):
            yield open_runs(log, {".": run}, tag=tag), beside, time.perf_counter() - start
            start = time.perf_counter()
        return
    if local.suffix.lower() == ".json" and not _is_keras_json(local):
        raise EmptySourceError(f"{local} is not the JSON of a Keras model.")
    yield open_source(local), None, time.perf_counter() - start


def _tags(run: Run) -> Sequence[str | None]:
    """The tags of the op graphs of a run that holds several; else nothing has to be chosen."""
    own = [""] if run.graph.times or run.meta_graph.times else []
    tags = [*own, *run.traces]
    return tags if len(tags) > 1 else [None]


def _is_keras_json(path: Path) -> bool:
    """Whether JSON, of which repositories are full, looks like a Keras model."""
    try:
        config = json.loads(read_regular(path, LARGEST_JSON))
        if isinstance(config, str):
            config = json.loads(config)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and "class_name" in config and isinstance(config.get("config"), (dict, list))


def _from_python(task: Task) -> Outcome:
    found = task.found
    path = Path(found.address)
    if scheme_of(found.address):
        raise SourceError(f"{found.shown}: Python code is run from this machine's disks only; copy the project here.")
    if not _mentions_keras(path):
        return Outcome()
    # Python code is compared each time: what it imports is not in its file.
    start = time.perf_counter()
    opened = open_source(os.path.relpath(path))
    row, packed = _compare(task, opened, time.perf_counter() - start, str(time.time_ns()))
    outcome = Outcome((row,), _without_blank({row.structure: packed}))
    return _told(_unnamed(outcome, Path(os.path.relpath(path))), found)


def _mentions_keras(path: Path) -> bool:
    try:
        text = read_regular(path, LARGEST_JSON)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    return b"keras" in text or b"tensorflow" in text


# --- what is said of a report ----------------------------------------------------------------------------------------


def _compare(
    task: Task, opened: Opened, opening: float, content: str, model: Path | None = None
) -> tuple[ScanRow, bytes]:
    """The row of one graph, held against its own model or else the one beside it, and its packed structure."""
    found = task.found
    start = time.perf_counter()
    report = _report(opened, task.options, model)
    seconds = opening + time.perf_counter() - start
    snapshot = bare(take(report))
    text = json.dumps(snapshot.to_dict(), separators=(",", ":"), sort_keys=True).encode()
    structure = hashlib.sha256(text).hexdigest()[:32] if snapshot.layers else ""
    row = replace(_row(found, report, structure, seconds), page=_write_page(task, report, content))
    return row, zlib.compress(text)


def _report(opened: Opened, options: ScanOptions, model: Path | None) -> Report:
    select, ignore = options.select, options.ignore
    if model is None:
        return compare_opened(opened, select=select, ignore=ignore)
    report = compare_with_found(opened, lambda: open_model_file(model), model.name, select=select, ignore=ignore)
    if report.layer_graph is None:
        return report
    return replace(report, notes=[f"The layer graph is that of {model.name}, the model beside the log.", *report.notes])


def _row(found: Found, report: Report, structure: str, seconds: float) -> ScanRow:
    layers, ops, summary = report.layer_graph, report.op_graph, report.summary
    return ScanRow(
        source=found.shown,
        run=found.run,
        tag=report.origin.tag,
        kind=report.origin.kind,
        written=found.written,
        stack=report.origin.stack,
        model=layers.model_name if layers else "",
        layers=len(layers.layers) if layers else None,
        layer_edges=len(layers.edges) if layers else None,
        ops=len(ops) if ops is not None else None,
        op_edges=len(ops.source) if ops is not None else None,
        artifact=None if report.lacking("artifact") else summary.artifact,
        hidden=None if report.lacking("hidden") else summary.hidden,
        missing=None if report.lacking("missing") else summary.missing,
        rules=tuple(_rules(report.findings)),
        headline=_headline(report),
        notes=tuple(report.notes[:NOTES_KEPT]),
        structure=structure,
        seconds=round(seconds, 3),
    )


def _rules(findings: Sequence[Finding]) -> Iterator[RuleFound]:
    by_code: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    for code in sorted(by_code):
        alike = by_code[code]
        first = min(alike, key=lambda finding: list(Severity).index(finding.severity))
        culprits = dict.fromkeys(culprit for finding in alike for culprit in finding.culprits)
        yield RuleFound(
            code=code,
            rule=first.rule,
            verdict=first.verdict.value,
            severity=first.severity.value,
            blame=first.blame.value,
            findings=len(alike),
            edges=len({edge for finding in alike for edge in finding.edges}),
            culprits=tuple(culprits)[:CULPRITS_KEPT],
            message=first.message,
        )


def bare(snapshot: Snapshot) -> Snapshot:
    """What of a snapshot is structure: layers, settings and wiring; not ops, findings, or who made it."""
    return replace(
        snapshot,
        layers={id_: replace(layer, ops={}) for id_, layer in snapshot.layers.items()},
        nested={id_: replace(model, ops={}) for id_, model in snapshot.nested.items()},
        ops=None,
        findings=(),
        stack="",
        version="",
    )


# --- the page of a run -----------------------------------------------------------------------------------------------


def _pages_are_there(task: Task, outcome: Outcome) -> bool:
    pages = task.options.pages
    return not pages or all(not row.page or is_there(pages, row.page) for row in outcome.rows)


def _write_page(task: Task, report: Report, content: str) -> str:
    """Write the page of a run; its name."""
    pages = task.options.pages
    if not pages:
        return ""
    name = f"{key_of(task.found.address, report.origin.tag, content)[:24]}.html"
    named = replace(report, origin=replace(report.origin, path=task.found.shown))
    try:
        write_whole(pages, name, _to_html(named).encode(errors="backslashreplace"))
    except UsageError as error:
        raise StoreError(f"--pages {error}") from error
    return name
