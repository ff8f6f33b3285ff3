"""Kinds of sources that other packages add."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graphdiag.errors import GraphdiagError, SourceError, UsageError
from graphdiag.sources.open_source import open_source
from graphdiag.sources.registry import SourceOptions, all_kinds, own_kinds
from tests.support.graph_text import FIXTURES

ACME = (FIXTURES / "third_party" / "acme_graphs" / "chain.py").read_text(encoding="utf-8")
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package with one kind of source: its module is what is given."""

    def put(content: str = ACME, value: str = "acme_sources:CHAIN") -> None:
        package = tmp_path / "package"
        information = package / "acme_graphs-1.0.dist-info"
        information.mkdir(parents=True)
        (package / "acme_sources.py").write_text(content)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-graphs\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[graphdiag.sources]\nchain = {value}\n")
        monkeypatch.syspath_prepend(package)
        all_kinds.cache_clear()

    yield put
    sys.modules.pop("acme_sources", None)
    all_kinds.cache_clear()


def test_without_plug_ins_the_kinds_are_graphdiags_own() -> None:
    assert list(all_kinds()) == list(own_kinds())
    assert {kind.name for kind in own_kinds()} == {
        "event_log",
        "graph_def",
        "keras_file",
        "keras_json",
        "saved_model",
        "notebook",
        "remote",
        "script",
        "tensorboard",
    }


def test_a_kind_is_known_by_its_content_and_by_its_suffix(install: Install, tmp_path: Path) -> None:
    install()
    (tmp_path / "edges").write_text("chain\nx a\n")
    (tmp_path / "edges.chain").write_text("nothing of the kind\nx a\n")
    for name in ("edges", "edges.chain"):
        opened = open_source(tmp_path / name)
        assert opened.origin.kind == "acme.chain"
        assert opened.layer_graph is not None
        assert opened.layer_graph.edges == (("x", "a"),)


def test_a_file_of_graphdiags_own_kinds_stays_one(install: Install) -> None:
    greedy = ACME.replace("start.startswith(HEAD)", "True")
    install(greedy)
    assert open_source(FIXTURES / "files" / "k3_siamese.keras").origin.kind == "keras_file"
    assert open_source(FIXTURES / "logs" / "tf22_reference").origin.kind == "event_log"


def test_its_name_is_in_the_list_of_what_can_be_given(install: Install, tmp_path: Path) -> None:
    install()
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(SourceError, match="or Keras JSON, or a chain of ACME's"):
        open_source(tmp_path / "notes.txt")


def test_options_are_refused_unless_a_kind_understands_them(install: Install, tmp_path: Path) -> None:
    install(ACME.replace('suffixes=(".chain",)', 'suffixes=(".chain",), options=frozenset({"tag"})'))
    file = tmp_path / "edges.chain"
    file.write_text("chain\nx a\n")
    assert open_source(file, SourceOptions(tag="first")).layer_graph is not None
    with pytest.raises(
        UsageError,
        match=r"^--run applies to a TensorBoard log and a running TensorBoard only, and .* is a chain of ACME's",
    ):
        open_source(file, SourceOptions(run="train"))
    with pytest.raises(
        UsageError, match=r"^--tag applies to a TensorBoard log and a running TensorBoard and a chain of ACME's only"
    ):
        open_source(FIXTURES / "files" / "tf110_relu.pb", SourceOptions(tag="first"))


def test_a_kind_that_fails_ends_in_one_line(install: Install, tmp_path: Path) -> None:
    install(ACME.replace("edges: list", 'raise RuntimeError("first line\\nsecond line")\n    edges: list'))
    file = tmp_path / "edges.chain"
    file.write_text("chain\nx a\n")
    with pytest.raises(GraphdiagError) as caught:
        open_source(file)
    assert str(caught.value) == f"{file}: the kind 'acme.chain' of another package fails on it: first line"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("import", "import nothing_of_that_name, ", "cannot be loaded"),
        ("CHAIN = SourceKind(", "CHAIN = dict(", "is a dict, and must be a graphdiag SourceKind"),
        ('name="acme.chain"', 'name="chain"', "the name 'chain' must have a dot"),
        ('name="acme.chain"', 'name="script"', "the name 'script' must have a dot"),
        ('".chain"', '".h5"', ".h5 files are of another kind already"),
        ('suffixes=(".chain",)', 'options=frozenset({"color"})', "there is no option 'color'"),
    ],
)
def test_a_broken_plug_in_is_named_in_one_line(install: Install, old: str, new: str, what: str) -> None:
    assert old in ACME
    install(ACME.replace(old, new))
    with pytest.raises(GraphdiagError) as caught:
        all_kinds()
    message = str(caught.value)
    assert message.startswith("the source chain of acme-graphs (acme_sources:CHAIN)")
    assert what in message
    assert "\n" not in message


def test_a_kind_of_addresses_gets_them_as_they_are_written(install: Install) -> None:
    install(
        ACME.replace('suffixes=(".chain",), detect=detect', 'schemes=("acme",), detect=of_acme').replace(
            "CHAIN = ",
            """
def of_acme(address, start):
    return Match.NAME if address.startswith("acme://chains/") and start == b"" else None

def open_chain(address, options):
    graph = LayerGraph(model_name=address, layers={"a": Layer(id="a", name="a", class_name="Dense")}, edges=())
    return Opened(origin=Origin(path=address, kind="acme.chain"), layer_graph=graph)

CHAIN = """,
        )
    )
    opened = open_source("acme://chains//a.py")
    assert (opened.origin.kind, opened.origin.path) == ("acme.chain", "acme://chains//a.py")
    with pytest.raises(SourceError, match=r"^acme://links/a: is the address of nothing that can be read; give"):
        open_source("acme://links/a")
    with pytest.raises(SourceError, match=r"^acmes://chains: .* acmes:// are not read; .*acme://"):
        open_source("acmes://chains")


def test_a_file_is_no_kind_of_addresses(install: Install, tmp_path: Path) -> None:
    install(ACME.replace('suffixes=(".chain",)', 'schemes=("acme",)'))
    (tmp_path / "edges").write_text("chain\nx a\n")
    with pytest.raises(SourceError, match="is of no known kind"):
        open_source(tmp_path / "edges")
