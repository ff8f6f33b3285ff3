"""What the plugin answers to requests: the list of runs, jobs, and what they write. No request writes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import Any

from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from graphdiag.tensorboard_plugin.index import Index
from graphdiag.tensorboard_plugin.jobs import Job
from graphdiag.tensorboard_plugin.log_directories import log_directories
from graphdiag.tensorboard_plugin.places import Graph
from graphdiag.tensorboard_plugin.tasks import Changes, Page, Repaired

Answer = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application."""

_READING = ("GET", "HEAD")
_JSON = "application/json"
_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".css": "text/css"}
_OWN = ("tab.mjs", "host.mjs", "runs.mjs", "view.mjs", "tab.css")
"""The tab's own files; those of the page, of which they import some, are beside them."""
_WORKER = "graphviz.js"


class Routes:
    """The answers to the plugin's requests.

    Args:
        context: What TensorBoard tells its plugins.
    """

    def __init__(self, context: base_plugin.TBContext) -> None:
        flags = context.flags
        interval = getattr(flags, "reload_interval", None)
        self._index = Index(log_directories(flags), 5.0 if interval is None else float(interval))
        self._static: dict[str, bytes] = {}

    def found_any(self) -> bool:
        """Whether there is a run to show."""
        return self._index.found_any()

    def runs(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """``runs?version=V``: see `Index.state`."""
        return _answer(self._runs, environ, start_response)

    def job(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """``job?kind=K&run=R``, with ``tag`` and ``model``, and for ``changes`` the same of the other run.

        How far a job is that writes a ``page``, a ``repaired`` event file or the page of ``changes``; a first request
        begins it. The answer has ``state``, ``line``, ``seconds``, ``ahead``, ``answer`` and ``result``, the name under
        which ``result?of=NAME`` gives what was written.
        """
        return _answer(self._job, environ, start_response)

    def result(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """``result?of=NAME``: what a job has written."""
        return _answer(self._result, environ, start_response)

    def static(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The scripts and the style sheet."""
        return _answer(self._file, environ, start_response)

    def _runs(self, request: wrappers.Request) -> wrappers.Response:
        known = request.args.get("version", "")
        state = self._index.state(int(known) if known.isdecimal() and len(known) < 18 else -1)
        return _respond(request, state, _JSON)

    def _job(self, request: wrappers.Request) -> wrappers.Response:
        asked = request.args
        run, kind = asked.get("run", ""), asked.get("kind", "")
        graph = self._graph(asked)
        if graph is None:
            return _refused(request, self._index.problem(run) or f"There is no such graph in run {run!r}.")
        key = f"{kind} {_exactly(graph)} {self._index.key(graph)}"
        if kind == "page":
            job = self._index.jobs.do(key, lambda file: Page(graph, file), suffix=".html.gz", urgent=True)
        elif kind == "repaired":
            job = self._index.jobs.do(key, lambda file: Repaired(graph, file), suffix=".tfevents", urgent=True)
        elif kind == "changes":
            new = self._graph(asked, "to_")
            if new is None:
                return _refused(request, f"There is no such graph in run {asked.get('to_run', '')!r}.")
            key = f"{key} {_exactly(new)} {self._index.key(new)}"
            job = self._index.jobs.do(key, lambda file: Changes(graph, new, file), suffix=".html.gz", urgent=True)
        else:
            return _refused(request, "There is no such job.")
        return _respond(request, self._index.told(job), _JSON)

    def _graph(self, asked: Mapping[str, str], side: str = "") -> Graph | None:
        tag = asked.get(f"{side}tag")
        return self._index.graph(asked.get(f"{side}run", ""), tag, asked.get(f"{side}model", ""))

    def _result(self, request: wrappers.Request) -> wrappers.Response:
        job = self._index.jobs.named(request.args.get("of", ""))
        content = _read(job)
        if job is None or job.file is None or content is None:
            return _refused(request, "This is no longer kept; ask for it again.")
        if job.file.suffix == ".gz":
            return _respond(request, content, "text/html", content_encoding="gzip")
        from graphdiag.repairing.written_log import EVENT_FILE

        headers = [("Content-Disposition", f'attachment; filename="{EVENT_FILE}"')]
        return _respond(request, content, "application/octet-stream", headers=headers)

    def _file(self, request: wrappers.Request) -> wrappers.Response:
        name = request.path.rpartition("/")[2]
        content = self._content(name)
        if content is None:
            return _respond(request, "There is no such file.", "text/plain", code=404)
        return _respond(request, content, _TYPES[name[name.rindex(".") :]])

    def _content(self, name: str) -> bytes | None:
        if name in _OWN:
            return (files("graphdiag.tensorboard_plugin") / "static" / name).read_bytes()
        from graphdiag.render.html.page import SCRIPTS, graphviz_worker, static

        if name == _WORKER:
            return self._static.setdefault(name, graphviz_worker().encode())
        return static(name).encode() if name in SCRIPTS else None


def _exactly(graph: Graph) -> str:
    """What else a page says of a graph, beside what its content decides."""
    places = graph.places
    label = graph.model.label if graph.model else ""
    return repr((places.log, places.run, label, places.notes, [place.times for place in places.places]))


def _answer(
    respond: Callable[[wrappers.Request], wrappers.Response],
    environ: Mapping[str, Any],
    start_response: Callable[..., Any],
) -> Iterable[bytes]:
    request = wrappers.Request(dict(environ))
    if request.method in _READING:
        response = respond(request)
    else:
        headers = [("Allow", ", ".join(_READING))]
        response = _respond(request, "Only GET is answered.", "text/plain", code=405, headers=headers)
    answer: Iterable[bytes] = response(dict(environ), start_response)
    return answer


def _respond(request: wrappers.Request, content: Any, content_type: str, **options: Any) -> wrappers.Response:
    """What TensorBoard sends, compressed and with its content security policy."""
    response: wrappers.Response = http_util.Respond(request, content, content_type, **options)
    return response


def _refused(request: wrappers.Request, line: str) -> wrappers.Response:
    return _respond(request, {"state": "failed", "line": line}, _JSON, code=404)


def _read(job: Job | None) -> bytes | None:
    """What a job has written, unless it was removed meanwhile."""
    if job is None or job.state != "done" or job.file is None:
        return None
    try:
        return job.file.read_bytes()
    except OSError:
        return None
