"""Which kinds of contracts there are, those of other packages included."""

from __future__ import annotations

import inspect
import sys

import pytest

from graphdiag.checking.check import check
from graphdiag.checking.config import read_config
from graphdiag.checking.contracts.registry import KINDS, all_kinds
from graphdiag.errors import GraphdiagError
from tests.support.graph_text import LOGS

NARROW = '''
from dataclasses import dataclass
from typing import ClassVar
from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.options import number
from graphdiag.results.check_report import Violation

@dataclass(frozen=True, kw_only=True)
class Narrow(Contract):
    """No layer has more than so many successors."""
    type: ClassVar[str] = "narrow"
    limit: int = option(number)

    def check(self, report):
        sources = [source for source, _ in report.layer_graph.edges]
        if self.limit > 100:
            raise RuntimeError("first line\\nsecond line")
        for source in dict.fromkeys(sources):
            if sources.count(source) > self.limit:
                yield Violation(f"{source} feeds {sources.count(source)} layers")

class Twin(Narrow):
    type = "budget"

class Nameless(Contract):
    def check(self, report):
        return ()

OTHER = 3
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with one kind of contract: its entry point is the name that is given."""

    def put(value, content=NARROW):
        (tmp_path / "acme_contracts.py").write_text(content)
        information = tmp_path / "acme_graphs-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-graphs\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[graphdiag.contracts]\nnarrow = {value}\n")
        monkeypatch.syspath_prepend(tmp_path)
        all_kinds.cache_clear()

    yield put
    sys.modules.pop("acme_contracts", None)
    all_kinds.cache_clear()


def test_without_plug_ins_the_kinds_are_graphdiags_own():
    assert list(all_kinds().values()) == list(KINDS)
    assert all(type_ == kind.type for type_, kind in all_kinds().items())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_each_kind_documents_its_options(kind):
    documented = inspect.getdoc(kind)
    own = {
        field.metadata["key"] or field.name
        for name, field in kind.__dataclass_fields__.items()
        if field.metadata and name not in ("name", "models", "allow_missing_graph")
    }
    assert all(f"    {key}: " in documented for key in own)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_kind_of_another_package(install, tmp_path, jobs):
    install("acme_contracts:Narrow")
    log = LOGS / "keras216_hidden_tensor"
    model = f'[[models]]\nname = "{{}}"\nsource = "{log}"\nmodel = "{log}/model.json"\n'
    contract = '[[contracts]]\nname = "limit {0}"\ntype = "narrow"\nlimit = {0}\n'
    file = tmp_path / "graphdiag.toml"
    file.write_text(
        model.format("a") + model.format("b") + contract.format(1) + contract.format(9) + contract.format(999)
    )
    outcomes = check(read_config(file), jobs=jobs).outcomes
    assert [outcome.status.value for outcome in outcomes[::2]] == ["broken", "kept", "unchecked"]
    assert [violation.message for violation in outcomes[0].violations] == ["x feeds 2 layers"]
    assert outcomes[4].reason == f"{file}, contract 'limit 999': fails with RuntimeError: first line"


def test_its_options_are_checked_like_those_of_graphdiag(install, tmp_path):
    install("acme_contracts:Narrow")
    file = tmp_path / "graphdiag.toml"
    file.write_text('[[contracts]]\nname = "it"\ntype = "narow"\nlimit = 3\n')
    with pytest.raises(GraphdiagError, match="there is no contract of type 'narow'; the nearest is 'narrow'"):
        read_config(file)


@pytest.mark.parametrize(
    ("value", "content", "what"),
    [
        ("acme_contracts:Narrow", "import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        ("acme_contracts:Narrow", "raise RuntimeError('first line\\nsecond line')\n", "cannot be loaded: first line. "),
        ("acme_contracts:Lost", NARROW, "cannot be loaded: module 'acme_contracts' has no attribute 'Lost'"),
        ("acme_contracts:OTHER", NARROW, "must be a subclass of graphdiag's Contract"),
        ("acme_contracts:Twin", NARROW, "there is a type 'budget' already"),
        ("acme_contracts:Nameless", NARROW, "must have a 'type'"),
    ],
)
def test_a_broken_plug_in_is_named_in_one_line(install, value, content, what):
    install(value, content)
    with pytest.raises(GraphdiagError) as caught:
        all_kinds()
    message = str(caught.value)
    assert message.startswith(f"the contract narrow of acme-graphs ({value})")
    assert what in message
    assert "\n" not in message
