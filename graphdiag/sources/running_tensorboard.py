"""Read graphs from a running TensorBoard, as its own page does.

``data/plugin/graphs/info`` says what the runs hold, and ``data/plugin/graphs/graph`` gives one graph in protobuf's text
format (``tensorboard/plugins/graph/graphs_plugin.py``). Of a Keras model it gives the conceptual graph that it has made
of the JSON, which lacks edges (GD201), and not the JSON: there is no layer graph. The graphs of a trace come merged
(``graph_util.py``), and are taken apart again.
"""

from __future__ import annotations

import json
import re
import ssl
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from graphdiag.errors import SourceError
from graphdiag.sources.files import LARGEST_JSON, LARGEST_SAVED
from graphdiag.sources.graph_choice import GraphEntry, Logged, ModelEntry, choose
from graphdiag.sources.graph_names import check_depth
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.saved_model import parse_text
from graphdiag.sources.stack import describe_stack
from graphdiag.sources.web import Address, WebError, get, get_start, parse_address

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

_INFO = "data/plugin/graphs/info"
_GRAPH = "data/plugin/graphs/graph"
_RUNS = "data/runs"
_ENVIRONMENT = "data/environment"

SECONDS = 20.0
"""For an answer about what there is."""
GRAPH_SECONDS = 300.0
"""For the first byte of a graph: TensorBoard writes the whole text before. A million ops take it about a minute."""
LONGEST = 900.0
"""For all of a graph."""
_PROBED = 64

_OF_GRAPH = re.compile(r"graph_([1-9][0-9]*)/")
_HASH = "graphs&"
"""What the page has behind ``#`` before the run, as in ``#graphs&run=train``."""


@dataclass(frozen=True)
class _ServedGraph(GraphEntry):
    """An op graph that TensorBoard serves."""

    server: Address = field(kw_only=True)

    @cached_property
    def graph_defs(self) -> tuple[GraphDef, ...]:
        """The graph, or the graphs of a trace."""
        graph = _graph_at(self.server, self._route, f"the op graph of {self}")
        return tuple(_apart(graph)) if self.tag else (graph,)

    @property
    def is_empty(self) -> bool:
        """Whether it has no op, as its first bytes say: nodes come first."""
        try:
            start = get_start(self.server, self._route, size=_PROBED, patience=GRAPH_SECONDS)
        except WebError:
            # What is wrong is said if it is chosen.
            return False
        return not start.startswith(b"node")

    @property
    def _route(self) -> str:
        return f"{_GRAPH}?{urlencode({'run': self.run, **({'tag': self.tag} if self.tag else {})})}"


@dataclass(frozen=True)
class _ServedModel(ModelEntry):
    """A conceptual graph that TensorBoard serves."""

    server: Address = field(kw_only=True)

    @cached_property
    def data(self) -> bytes:
        """The graph as text; empty where TensorBoard fails on the model."""
        route = f"{_GRAPH}?{urlencode({'run': self.run, 'tag': self.tag, 'conceptual': 'true'})}"
        try:
            return get(self.server, route, largest=LARGEST_SAVED, patience=GRAPH_SECONDS, longest=LONGEST)
        except WebError as error:
            if error.status < 500:
                raise SourceError(f"{self.server.shown}: the conceptual graph of {self}: {error}.") from error
            return b""


def open_tensorboard(address: str, *, run: str | None = None, tag: str | None = None) -> Opened:
    """Open a running TensorBoard.

    Args:
        address: As the browser has it; what stands behind ``#`` may name the run and the tag.
        run: Run as for a log directory; see `graphdiag.sources.run_choice.meant`.
        tag: Tag of a trace or of a Keras model; the empty string means the run's own graph.

    Returns:
        The op graph, TensorBoard's conceptual graph, or both; no layer graph.

    Raises:
        SourceError: There is no TensorBoard, or it does not serve what it should, or holds no graph.
        UsageError: There are several op graphs, or no such run or tag.
    """
    try:
        server = parse_address(address)
    except WebError as error:
        raise SourceError(f"{address}: {error}; a running TensorBoard has one like http://localhost:6006/.") from error
    info = _info(server)
    graphs, models = list(_graphs(server, info)), list(_models(server, info))
    shown = server.shown
    if not graphs and not models:
        raise SourceError(
            f"{shown}: this TensorBoard has neither an op graph nor a Keras model in its "
            f"{len(_runs(server))} runs; it may still be reading them."
        )
    on_page = parse_qs(server.fragment.removeprefix(_HASH)) if server.fragment.startswith(_HASH) else {}
    run = run if run is not None else next(iter(on_page.get("run", ())), None)
    tag = tag if tag is not None else next(iter(on_page.get("tag", ())), None)
    written = {name: float(number) for number, name in enumerate(_runs(server))}
    for name in (*(entry.run for entry in graphs), *(entry.run for entry in models)):
        # It may have come while we asked.
        written.setdefault(name, float(len(written)))
    notes: list[str] = []
    model_notes: list[str] = []
    logged = Logged(shown, graphs, models, written, dated=False, of_any_run=False)
    graph, model = choose(logged, run, tag, notes, model_notes)
    if graph is not None:
        check_depth(shown, graph.graph_defs)
    chosen = graph or model
    assert chosen is not None
    conceptual = _conceptual(server, model, notes, model_notes)
    producer = graph.graph_defs[0].versions.producer if graph is not None and graph.graph_defs else 0
    return Opened(
        origin=Origin(
            path=shown,
            kind="tensorboard",
            run=chosen.run,
            tag=graph.tag if graph is not None else "",
            stack=describe_stack("", producer),
        ),
        graph_defs=graph.graph_defs if graph is not None else (),
        has_op_graph=graph is not None,
        conceptual=conceptual,
        notes=tuple(notes),
        model_notes=tuple(model_notes),
    )


# --- what the runs hold ----------------------------------------------------------------------------------------------


def _info(server: Address) -> Mapping[str, Any]:
    """What each run holds, as TensorBoard says it."""
    try:
        data = get(server, _INFO, largest=LARGEST_JSON, patience=SECONDS, longest=LONGEST)
    except WebError as error:
        raise SourceError(f"{server.shown}: {error}{_instead(server, error)}") from error
    try:
        info = json.loads(data)
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict) or not all(isinstance(held, dict) for held in info.values()):
        raise SourceError(f"{server.shown}: something answers there that is not TensorBoard; {_WANTED}.")
    return info


_WANTED = "give TensorBoard's address as the browser has it, with its path, or the log directory"


def _instead(server: Address, error: WebError) -> str:
    if error.status in (401, 403):
        return "; it wants a login: give http://USER:PASSWORD@HOST/, or the log directory."
    if error.status:
        return f" where TensorBoard has its graphs; {_WANTED}."
    if server.base.startswith("https:") and isinstance(getattr(error.__cause__, "reason", None), ssl.SSLError):
        return f"; is it {server.shown.replace('https:', 'http:', 1)}?"
    return "; start it with 'tensorboard --logdir LOGDIR', or give the log directory."


def _runs(server: Address) -> list[str]:
    """The runs, the one begun last at the end; none where TensorBoard does not say."""
    try:
        runs = json.loads(get(server, _RUNS, largest=LARGEST_JSON, patience=SECONDS, longest=LONGEST))
    except (WebError, ValueError, RecursionError):
        return []
    return [run for run in runs if isinstance(run, str)] if isinstance(runs, list) else []


def _graphs(server: Address, info: Mapping[str, Any]) -> Iterator[_ServedGraph]:
    for run, held in info.items():
        if held.get("run_graph") is True:
            yield _ServedGraph(run, "", server=server)
        yield from (_ServedGraph(run, tag, server=server) for tag in _tags(held, "op_graph"))


def _models(server: Address, info: Mapping[str, Any]) -> Iterator[_ServedModel]:
    for run, held in info.items():
        yield from (_ServedModel(run, tag, server=server) for tag in _tags(held, "conceptual_graph"))


def _tags(held: Mapping[str, Any], what: str) -> Iterator[str]:
    tags = held.get("tags")
    for tag, has in tags.items() if isinstance(tags, dict) else ():
        if isinstance(has, dict) and has.get(what) is True:
            yield tag


# --- graphs ----------------------------------------------------------------------------------------------------------


def _graph_at(server: Address, route: str, what: str) -> GraphDef:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    try:
        data = get(server, route, largest=LARGEST_SAVED, patience=GRAPH_SECONDS, longest=LONGEST)
    except WebError as error:
        fails = "; the page shows no graph of it, either" if error.status >= 500 else ""
        raise SourceError(f"{server.shown}: {what}: the server {error}{fails}.") from error
    graph: GraphDef = parse_text(f"{server.shown}: {what}", data, GraphDef())
    return graph


def _conceptual(server: Address, model: ModelEntry | None, notes: list[str], model_notes: list[str]) -> GraphDef | None:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    if model is None:
        return None
    model_notes.append(
        f"TensorBoard does not serve the Keras model of {model}, only its conceptual graph; give the model with "
        f"--model FILE, or {_log_directory(server)} in place of the address."
    )
    if not model.data:
        notes.append(f"TensorBoard fails on the conceptual graph of {model}.")
        return None
    graph: GraphDef = parse_text(f"{server.shown}: the conceptual graph of {model}", model.data, GraphDef())
    return graph


def _log_directory(server: Address) -> str:
    """Where TensorBoard's log is, in words."""
    try:
        environment = json.loads(get(server, _ENVIRONMENT, largest=LARGEST_JSON, patience=SECONDS, longest=LONGEST))
        place = environment["data_location"]
    except (WebError, ValueError, RecursionError, LookupError, TypeError):
        place = ""
    return f"its log directory ({place})" if place and isinstance(place, str) else "its log directory"


def _apart(graph: GraphDef) -> Iterator[GraphDef]:
    """The graphs that TensorBoard has merged into one, as they were; the graph itself if it is none of several.

    ``merge_graph_defs`` puts ``graph_N/`` before the names of ops and inputs, before the ``^`` of a control dependency
    even, and ``graph_N_`` before those of functions, and before the ``f`` of a ``PartitionedCall``.
    """
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    nodes = defaultdict(list)
    for node in graph.node:
        found = _OF_GRAPH.match(node.name)
        nodes[int(found[1]) if found else 0].append(node)
    if 0 in nodes or len(nodes) < 2:
        yield graph
        return
    for number, own in sorted(nodes.items()):
        part = GraphDef(versions=graph.versions)
        before, of_function = f"graph_{number}/", f"graph_{number}_"
        for node in own:
            copy = part.node.add()
            copy.CopyFrom(node)
            copy.name = node.name.removeprefix(before)
            copy.input[:] = [text.removeprefix(before) for text in node.input]
            if node.op == "PartitionedCall" and "f" in node.attr:
                copy.attr["f"].func.name = node.attr["f"].func.name.removeprefix(of_function)
        for function in graph.library.function:
            if function.signature.name.startswith(of_function):
                copied = part.library.function.add()
                copied.CopyFrom(function)
                copied.signature.name = function.signature.name.removeprefix(of_function)
        yield part
