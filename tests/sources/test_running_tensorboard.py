"""The address of a running TensorBoard as a source: a real one, and servers that are something else."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from graphdiag.comparison import compare, drawn_graph
from graphdiag.errors import SourceError, UsageError
from graphdiag.sources import running_tensorboard
from graphdiag.sources.open_source import open_source
from graphdiag.sources.registry import SourceOptions
from tests.browser.tensorboard_page import tensorboard
from tests.support.graph_text import LOGS

SERVED = (
    *("keras216_reference", "k3_reference_training", "k3_reference_train", "k3_reference_callback"),
    *("k3_raw_ops_conceptual", "tf22_reference", "graphs_of_two_producers"),
)
MODEL = LOGS / "keras216_reference" / "model.json"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("logs")
    for name in SERVED:
        for file in LOGS.joinpath(name).rglob("*tfevents*"):
            target = place / file.relative_to(LOGS)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return place


@pytest.fixture(scope="module")
def served(logs: Path) -> Iterator[str]:
    with tensorboard(logs, "--path_prefix=/on/tb") as address:
        yield f"{address}/"


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Another server than TensorBoard, on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.daemon_threads = True
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}/"
    finally:
        serving.shutdown()
        serving.server_close()
        thread.join(10)


def says(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


# --- its graphs are those of its log ---------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["keras216_reference", "k3_reference_training", "k3_reference_train", "tf22_reference"])
def test_an_op_graph_is_the_one_in_the_log(served: str, run: str) -> None:
    opened, logged = open_source(served, SourceOptions(run=run)), open_source(LOGS / run)
    for ours, theirs in zip(opened.graph_defs, logged.graph_defs, strict=True):
        # Whether an empty library is there or not is lost when graphs are merged.
        assert ours.node == theirs.node
        assert ours.library.function == theirs.library.function
        assert ours.versions == theirs.versions
    assert (opened.origin.path, opened.origin.kind) == (served, "tensorboard")
    # The directory may hold its run at its top.
    assert opened.origin.run.split("/")[0] == run
    assert opened.origin.tag == logged.origin.tag
    assert opened.layer_graph is None


def test_a_conceptual_graph_is_what_is_drawn_of_the_log(served: str) -> None:
    drawn = drawn_graph(served, run="k3_reference_callback", conceptual=True)
    assert drawn.to_dict() == drawn_graph(LOGS / "k3_reference_callback", conceptual=True).to_dict()


def test_a_report_is_that_of_the_log(served: str) -> None:
    ours = compare(served, run="keras216_reference", model=MODEL)
    theirs = compare(LOGS / "keras216_reference", model=MODEL)
    assert [finding.code for finding in ours.findings] == ["GD101", "GD110"]
    assert ours.findings == theirs.findings
    assert ours.edges == theirs.edges


def test_edges_that_the_conceptual_graph_lost_are_found_with_a_model(served: str, tmp_path: Path) -> None:
    """TensorBoard does not serve the model; the one in the log is given."""
    (tmp_path / "model.json").write_text(json.dumps(open_source(LOGS / "tf22_reference").keras_json))
    report = compare(served, run="tf22_reference", model=tmp_path / "model.json")
    assert "GD201" in {finding.code for finding in report.findings}
    assert not any("--model" in note for note in report.notes)


def test_a_model_that_is_not_served_is_said_to_be_in_the_log(served: str, logs: Path) -> None:
    with pytest.raises(SourceError, match="does not serve the Keras model") as caught:
        compare(served, run="k3_reference_callback")
    assert str(logs) in str(caught.value)
    assert "graphdiag draw --conceptual" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_graph_on_which_tensorboard_fails_is_an_error(served: str) -> None:
    with pytest.raises(SourceError, match="'both': the server answers 500"):
        compare(served, run="graphs_of_two_producers")
    with pytest.raises(SourceError, match="TensorBoard fails on the conceptual graph of run 'k3_raw_ops_conceptual'"):
        drawn_graph(served, run="k3_raw_ops_conceptual", conceptual=True)


# --- which run -------------------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first(served: str) -> None:
    with pytest.raises(UsageError) as caught:
        compare(served)
    assert caught.value.brief.startswith(f"{served} holds several op graphs; choose one with --run RUN:")
    first, *rows = caught.value.lines
    assert first.split() == ["RUN", "HOLDS"]
    names = [row.split()[0].split("/")[0] for row in rows]
    # Keras 2.1.6 wrote its log first of all.
    assert names.index("k3_reference_training") < names.index("keras216_reference")


@pytest.mark.parametrize(
    ("options", "behind", "run"),
    [
        ({"run": "keras216"}, "", "keras216_reference"),
        ({"run": "*216*"}, "", "keras216_reference"),
        ({}, "#graphs&run=keras216_reference", "keras216_reference"),
        ({}, "?darkMode=true#graphs&run=k3_reference_training&tag=reference%2Btraining", "k3_reference_training"),
        ({"run": "keras216_reference"}, "#graphs&run=k3_reference_training", "keras216_reference"),
        ({}, "#timeseries", None),
    ],
)
def test_a_run_is_chosen_as_in_a_log_or_on_the_page(
    served: str, options: dict[str, str], behind: str, run: str | None
) -> None:
    if run is None:
        with pytest.raises(UsageError, match="several op graphs"):
            open_source(served + behind)
    else:
        assert open_source(served + behind, SourceOptions(**options)).origin.run == run


def test_a_run_that_is_not_there(served: str) -> None:
    with pytest.raises(UsageError, match=r"has no run 'nosuch'"):
        open_source(served, SourceOptions(run="nosuch"))


# --- the command line ------------------------------------------------------------------------------------------------


def test_commands_take_the_address(graphdiag, served, tmp_path):  # type: ignore[no-untyped-def]
    of = (served, "--run", "k3_reference_training")
    model = LOGS / "k3_reference_training" / "model.json"
    compared = graphdiag("compare", *of, "--model", model)
    assert (compared.returncode, compared.stderr) == (0, "")
    assert f"source      {served}, run k3_reference_training" in compared.stdout
    assert "main graph: 2 nodes" in graphdiag("draw", *of).stdout
    repaired = graphdiag("repair", *of, "--model", model, "-o", tmp_path / "fixed")
    assert "Proved to be the same graph under other names: 481 ops." in repaired.stdout
    same = graphdiag("diff", served, LOGS / "k3_reference_training", "--old-run", "k3_reference_training")
    assert (same.returncode, same.stdout.startswith("No difference")) == (0, True)
    several = graphdiag("compare", served)
    assert (several.returncode, several.stdout) == (2, "")
    assert several.stderr.startswith(f"graphdiag: {served} holds several op graphs")


# --- what is not a TensorBoard ---------------------------------------------------------------------------------------


def failing(address: str) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(address)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    assert failing(address) == (
        f"{address}: is not there: nothing listens at this address; start it with 'tensorboard --logdir LOGDIR', "
        "or give the log directory."
    )


def test_another_path_than_its_own(served: str) -> None:
    address = served.removesuffix("on/tb/")
    assert failing(address).startswith(f"{address}: answers 404 NOT FOUND where TensorBoard has its graphs; give")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (says(200, b"<html>hello</html>"), "something answers there that is not TensorBoard"),
        (says(200, b"[1, 2]"), "something answers there that is not TensorBoard"),
        (says(200, b'{"run": 1}'), "something answers there that is not TensorBoard"),
        (says(200, b"[" * 100_000), "something answers there that is not TensorBoard"),
        (says(200, b"{}"), "has neither an op graph nor a Keras model"),
        (says(401, b""), "answers 401 Unauthorized; it wants a login"),
        (says(503, b"later"), "answers 503 Service Unavailable"),
        (says(200, b"{}", Content_Length="2000"), "breaks off in the middle of its answer"),
        (says(302, b"", Location="file:///etc/passwd"), "answers 302"),
        (says(302, b"", Location="ftp://127.0.0.1/x"), "unknown url type: ftp"),
        (lambda handler: handler.wfile.write(b"220 ready\r\n") and None, "does not answer in HTTP"),
        (lambda handler: handler.connection.shutdown(socket.SHUT_RDWR), "breaks off"),
    ],
)
def test_a_server_that_is_not_tensorboard(answer: Callable[[BaseHTTPRequestHandler], None], what: str) -> None:
    with server(answer) as address:
        message = failing(address)
        assert message.startswith(f"{address}: ")
        assert what in message


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_tensorboard, "SECONDS", 0.2)
    done = threading.Event()
    with server(lambda _: done.wait(60) and None) as address:
        assert "does not answer within 0.2 seconds" in failing(address)
        done.set()


def test_a_server_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b" " * 1000)

    monkeypatch.setattr(running_tensorboard, "LARGEST_JSON", 2**20)
    with server(drip) as address:
        assert "gives more than 1 MiB" in failing(address)
    monkeypatch.setattr(running_tensorboard, "LARGEST_JSON", 2**40)
    monkeypatch.setattr(running_tensorboard, "LONGEST", 0.2)
    with server(drip) as address:
        assert "has not given all of it in time" in failing(address)


@pytest.mark.parametrize(
    ("graph", "what"),
    [
        (b"node { name: ", "is not a protobuf in text format"),
        (b'node { name: "' + b"a/" * 300 + b'" op: "NoOp" }', "name scopes"),
        (b"<html></html>", "is not a protobuf in text format"),
    ],
)
def test_a_graph_that_is_none(graph: bytes, what: str) -> None:
    info = json.dumps({"train": {"run": "train", "run_graph": True, "tags": {"x": 1}}}).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        says(200, info if "/info" in handler.path else graph)(handler)

    with server(answer) as address:
        assert what in failing(address)


def test_a_login_is_sent_and_not_told() -> None:
    asked = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Authorization"))
        says(200, b"{}")(handler)

    with server(answer) as address:
        message = failing(address.replace("http://", "http://jo:s%40cret@"))
        assert message.startswith(f"{address}: ")
    assert set(asked) == {"Basic " + base64.b64encode(b"jo:s@cret").decode()}


@pytest.mark.parametrize("whole", [True, False])
def test_a_packed_answer_is_unpacked(whole: bool) -> None:
    packed = gzip.compress(b'{"train": {"run_graph": false}}')
    with server(says(200, packed if whole else packed[:-4], Content_Encoding="gzip")) as address:
        assert ("neither an op graph" if whole else "breaks off") in failing(address)


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("http://", "is not an address: it has no host"),
        ("http://[::1", "is not an address: Invalid IPv6"),
        ("http://localhost:99999/", "is not an address: Port out of range"),
        ("http://local host/", "is not an address: it has blanks"),
        ("http://nosuch.invalid/", "is not there: its host is not known"),
        ("http://" + "a" * 100 + "/", "cannot be asked"),
    ],
)
def test_what_is_not_an_address(address: str, what: str) -> None:
    assert what in failing(address)


def test_an_address_without_its_scheme_is_told_apart_from_a_file() -> None:
    assert failing("localhost:6006") == "localhost:6006 does not exist; a running TensorBoard is http://localhost:6006."
