"""The list of runs: which there are, what they hold, and what the answer to each is."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphdiag.sources.model_beside import is_json
from graphdiag.sources.visits import name_below
from graphdiag.tensorboard_plugin.files import Directory, File, list_directories, may_hold_model
from graphdiag.tensorboard_plugin.jobs import Job, Jobs, LimitedProcess
from graphdiag.tensorboard_plugin.log_directories import LogDirectory
from graphdiag.tensorboard_plugin.places import KERAS, Graph, Model, RunPlaces
from graphdiag.tensorboard_plugin.remote import Mirror, RemoteError
from graphdiag.tensorboard_plugin.survey import Survey
from graphdiag.tensorboard_plugin.tasks import Answer, Failure

_SURVEY_S = 120
"""For what is new in one run."""
_BEGINNING = 20
"""Records of an event file in which a graph is looked for before the list is shown; the rest is read after that."""
_LEAST_INTERVAL_S = 2.0
_NOBODY_LOOKS_S = 60.0
"""After this time without a request, nothing is read until the next one."""
_NO_MODEL = "none"
"""What a request calls it when a run is to be looked at without a layer graph."""


@dataclass
class Run:
    """A run with event files.

    Attributes:
        name: TensorBoard's name of it.
        log: The log directory that it is in.
        directory: Its own directory, among those of the log.
        files: Its event files.
        places: What it holds, as far as it was looked through; ``None`` before that.
        problem: Why it cannot be read, in one line.
        is_due: Whether there is something new to look through.
    """

    name: str
    log: str
    directory: str
    files: tuple[File, ...] = ()
    places: RunPlaces | None = None
    problem: str = ""
    is_due: bool = True

    @property
    def is_shown(self) -> bool:
        """Whether it has something to say about graphs."""
        return bool(self.problem or (self.places and self.places.places))


@dataclass(frozen=True)
class _ModelFile:
    directory: str
    file: File


@dataclass
class _Listing:
    """What was found in the log directories; ``models`` by id, and their ids by directory."""

    runs: dict[str, Run] = field(default_factory=dict)
    models: dict[str, _ModelFile] = field(default_factory=dict)
    models_in: dict[str, list[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


class Index:
    """The list, kept by a thread while someone looks at it.

    Args:
        directories: What TensorBoard shows.
        interval: Seconds between two looks, as TensorBoard's ``--reload_interval``; 0 for one look only.
    """

    def __init__(self, directories: Sequence[LogDirectory], interval: float) -> None:
        self._directories = directories
        self._interval = max(interval, _LEAST_INTERVAL_S) if interval > 0 else 0.0
        self._lock = threading.Lock()
        self._listing = _Listing()
        self._keras_json: dict[tuple[str, int, int], bool] = {}
        self._mirrors = {each: Mirror(each.path) for each in directories if each.is_remote}
        self._surveyor = LimitedProcess(_SURVEY_S)
        self._wake = threading.Event()
        self._asked = 0.0
        self._thread: threading.Thread | None = None
        self._looked_through = self._to_look_through = 0
        self._looked = False
        self._version = 0
        self.jobs = Jobs(self._change)

    # --- what is asked ---

    def found_any(self) -> bool:
        """Whether there is a run to show."""
        return any(run.is_shown for run in self._listing.runs.values())

    def state(self, known: int) -> Mapping[str, Any]:
        """The list as the tab shows it.

        Args:
            known: The version that the tab has.

        Returns:
            JSON-ready data: ``version``; unless that is the known one: ``reading`` (how many runs of how many were
            looked through; whether all of it was seen once), ``runs``, ``models`` and ``refused``.
        """
        self._ask()
        with self._lock:
            version, listing = self._version, self._listing
            reading = {"done": self._looked_through, "of": self._to_look_through, "first": not self._looked}
        if version == known:
            return {"version": version}
        runs = sorted(listing.runs.values(), key=lambda run: run.name)
        newest_first = sorted(runs, key=lambda run: run.places.started if run.places else 0.0, reverse=True)
        for run in newest_first if not reading["first"] else ():
            if run.places and run.places.places and not run.problem:
                self._answer(self._default(run))
        return {
            "version": version,
            "reading": reading,
            "directories": [directory.given for directory in self._directories],
            "runs": [self._told(run) for run in runs if run.is_shown],
            "models": [{"id": id_, "directory": model.directory} for id_, model in sorted(listing.models.items())]
            + [
                {"id": _of_run(run.name, tag), "run": run.name, "tag": tag}
                for run in runs
                if run.places and not run.problem
                for tag in run.places.keras_tags
            ],
            "refused": listing.refused,
        }

    def graph(self, run: str, tag: str | None, model: str) -> Graph | None:
        """A graph that someone asks for.

        Args:
            run: The run.
            tag: Tag of the op graph; ``None`` for the first.
            model: What holds the layer graph: the id of a model, ``none``, or empty for what the run has.

        Returns:
            None if there is no such run, tag or model.
        """
        found = self._listing.runs.get(run)
        if found is None or found.places is None or not found.places.places:
            return None
        if tag is not None and tag not in found.places.tags:
            return None
        if not model:
            return replace(self._default(found), tag=tag)
        if model == _NO_MODEL:
            without = tuple(place for place in found.places.places if place.kind != KERAS)
            return Graph(replace(found.places, places=without), tag) if without else None
        chosen = self._model(model)
        return None if chosen is None else Graph(found.places, tag, chosen)

    def key(self, graph: Graph) -> str:
        """What decides on the answer: the content of the graphs, not the names around them."""
        places = [(place.kind, place.tag, place.digest) for place in graph.places.places]
        model: object = None
        if graph.model is not None and graph.model.run is not None:
            model = [place.digest for place in graph.model.run.places]
        elif graph.model is not None:
            listed = self._listing.models.get(graph.model.label)
            model = listed.file if listed is not None and listed.file.path == graph.model.file else None
        content = (places, graph.tag, model, graph.model.found if graph.model else False)
        return hashlib.sha256(repr(content).encode()).hexdigest()

    def problem(self, run: str) -> str:
        """Why a run cannot be read; empty if it can."""
        found = self._listing.runs.get(run)
        return found.problem if found else ""

    def told(self, job: Job) -> Mapping[str, Any]:
        """How far a job is, as JSON-ready data: see `graphdiag.tensorboard_plugin.routes.Routes.job`."""
        seconds = time.monotonic() - job.began if job.state == "working" else 0.0
        return {
            "state": job.state,
            "line": self._in_user_words(job.line),
            "seconds": round(seconds, 1),
            "ahead": self.jobs.ahead_of(job),
            "answer": job.result if job.state == "done" else None,
            "result": job.name if job.state == "done" else "",
        }

    # --- models ---

    def _default(self, run: Run) -> Graph:
        """A run's graph with the layer graph that it has, or with the only model beside it."""
        assert run.places is not None
        if run.places.keras_tags:
            return Graph(run.places)
        beside = self._listing.models_in.get(run.directory, [])
        model = self._model(beside[0]) if len(beside) == 1 else None
        return Graph(run.places, None, replace(model, found=True) if model else None)

    def _model(self, id_: str) -> Model | None:
        found = self._listing.models.get(id_)
        if found is not None:
            return Model(id_, found.file.path)
        for run in self._listing.runs.values():
            for place in run.places.places if run.places else ():
                if place.kind == KERAS and _of_run(run.name, place.tag) == id_:
                    assert run.places is not None
                    return Model(id_, run=replace(run.places, places=(place,)))
        return None

    # --- answers ---

    def _told(self, run: Run) -> Mapping[str, Any]:
        told: dict[str, Any] = {"name": run.name, "directory": run.directory, "problem": run.problem}
        if run.places is None or run.problem:
            return told
        graph = self._default(run)
        job = self.jobs.find(self._answer_key(graph))
        return {
            **told,
            "started": run.places.started,
            "tags": run.places.tags,
            "keras": run.places.keras_tags,
            "model": graph.model.label if graph.model else "",
            "content": self.key(graph)[:16],
            "state": job.state if job else "waiting",
            "answer": job.result if job and job.state == "done" else None,
            "line": self._in_user_words(job.line) if job else "",
        }

    def _answer_key(self, graph: Graph) -> str:
        return f"answer {self.key(graph)}"

    def _answer(self, graph: Graph) -> Job:
        return self.jobs.do(self._answer_key(graph), lambda _: Answer(graph))

    # --- looking ---

    def _ask(self) -> None:
        with self._lock:
            self._asked = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="graphdiag-index", daemon=True)
                self._thread.start()
        self._wake.set()

    def _keep(self) -> None:
        while True:
            self._wake.clear()
            self._look()
            if not self._interval:
                self._surveyor.stop()
                return
            if time.monotonic() - self._asked > _NOBODY_LOOKS_S:
                self._surveyor.stop()
                self._wake.wait()
            else:
                time.sleep(self._interval)

    def _change(self) -> None:
        with self._lock:
            self._version += 1

    def _look(self) -> None:
        """Look which runs and models there are, and through what is new of them."""
        listing = self._list()
        due = [run for run in listing.runs.values() if run.is_due]
        with self._lock:
            changed = self._listing.models != listing.models or self._listing.refused != listing.refused
            changed |= set(self._listing.runs) != set(listing.runs) or bool(due) or not self._looked
            self._listing = listing
            self._looked_through, self._to_look_through = len(listing.runs) - len(due), len(listing.runs)
            self._version += changed
        newest_first = sorted(due, key=lambda run: -max(file.changed for file in run.files))
        for run in newest_first:
            if run.places is None and not run.problem:
                self._survey(run, _BEGINNING)
        with self._lock:
            self._version += not self._looked
            self._looked = True
        for run in newest_first:
            if run.is_due:
                self._survey(run, None)

    def _survey(self, run: Run, most: int | None) -> None:
        found = self._surveyor.run(Survey(run.log, run.name, run.files, most))
        failed = isinstance(found, Failure)
        run.problem = self._in_user_words(found.line) if failed else ""
        run.places = None if failed else found
        run.is_due = not failed and not found.complete
        with self._lock:
            self._looked_through += not run.is_due
            self._version += 1

    def _in_user_words(self, line: str) -> str:
        """A line that names files as the user knows them: from the log directory on, and not by their copies."""
        for mirror in self._mirrors.values():
            line = mirror.in_user_words(line)
        for directory in self._directories:
            for path in {directory.path, os.path.realpath(directory.path)} - {os.sep}:
                line = line.replace(os.path.join(path, ""), "")
        return line

    def _list(self) -> _Listing:
        """What is there now; of what has not changed, what is known."""
        listing = _Listing()
        allowed = [os.path.realpath(each.path) for each in self._directories if not each.is_remote]
        for number, directory in enumerate(self._directories):
            prefix = f"{number + 1}:" if len(self._directories) > 1 else ""
            try:
                for found in self._directories_of(directory, allowed):
                    self._add(listing, directory, found, prefix)
            except RemoteError as error:
                listing.refused.append(str(error))
        return listing

    def _directories_of(self, directory: LogDirectory, allowed: Sequence[str]) -> Iterator[Directory]:
        if directory in self._mirrors:
            return self._mirrors[directory].list_directories()
        return list_directories(os.path.realpath(directory.path), allowed)

    def _add(self, listing: _Listing, directory: LogDirectory, found: Directory, prefix: str) -> None:
        place = f"{prefix}{found.relative}"
        if found.refused:
            listing.refused.append(found.refused)
        if found.event_files:
            name = directory.run_name(found.relative)
            files = tuple(found.event_files)
            known = self._listing.runs.get(name)
            if known is None or known.directory != place:
                listing.runs[name] = Run(name, directory.given, place, files)
            elif known.files != files:
                # What is known of it stands until what is new was looked through.
                listing.runs[name] = replace(known, files=files, is_due=True)
            else:
                listing.runs[name] = known
        for name, file in found.models.items():
            if self._may_hold_model(file):
                id_ = f"{prefix}{name_below(found.relative, name)}"
                listing.models[id_] = _ModelFile(place, file)
                listing.models_in.setdefault(place, []).append(id_)

    def _may_hold_model(self, file: File) -> bool:
        if not is_json(file.path):
            return True
        key = file.path, file.size, file.changed
        if key not in self._keras_json:
            self._keras_json[key] = may_hold_model(file)
        return self._keras_json[key]


def _of_run(run: str, tag: str) -> str:
    """The id of a Keras model that a run holds."""
    return f"run {run}, tag {tag}"
