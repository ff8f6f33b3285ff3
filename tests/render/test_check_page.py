"""The page of a check; its clicks are in `tests/browser/test_report_page.py`."""

from __future__ import annotations

from dataclasses import replace

from graphdiag.render.html.check_page import to_html
from graphdiag.render.registry import Format
from graphdiag.results.check_report import Accepted, CheckReport, ContractOutcome, ContractStatus, Link, Violation
from graphdiag.unprintable import escape_unprintable
from tests.render.page_reader import models_of, read
from tests.support.check_reports import checked
from tests.support.page_reports import HOSTILE


def test_contracts_and_models_come_first() -> None:
    page = to_html(checked())
    reader = read(page)
    words = [text.strip() for tag, texts in reader.texts.items() if tag not in ("script", "style") for text in texts]
    assert reader.texts["h1"] == ["0 contracts kept, 2 broken. 1 of 3 models could not be read: third."]
    assert {"no findings", "apart", "reference", "two hops"} <= set(words)
    assert "a model that is not there" in page
    choices = [attributes["data-model"] for _, attributes in reader.tags if "choose" in (attributes.get("class") or "")]
    assert choices == ["0", "1"]


def test_what_breaks_a_contract_has_its_marks() -> None:
    report = checked()
    page = to_html(report)
    models = models_of(page)
    picks = {
        (int(attributes["data-model"] or 0), int(attributes["data-finding"] or 0))
        for _, attributes in read(page).tags
        if "pick" in (attributes.get("class") or "")
    }
    assert picks == {(number, mark) for number, model in enumerate(models) for mark in range(len(model["findings"]))}
    broken = [mark for mark in models[0]["findings"] if mark["verdict"] == "broken"]
    layers = models[0]["layers"]
    [chain] = [mark for mark in broken if mark["rule"].startswith("apart")]
    ends = [(layers["edges"]["source"][row], layers["edges"]["target"][row]) for row in chain["edges"]]
    assert [(layers["names"][source], layers["names"][target]) for source, target in ends] == [
        ("aux_in", "aux_dense_0"),
        ("aux_dense_0", "aux_dense_1"),
    ]
    [artifacts] = [mark for mark in broken if mark["rule"] == "no findings"]
    assert len(artifacts["edges"]) == 8


def test_what_is_broken_comes_first() -> None:
    report = checked()
    kept = ContractOutcome("a", "acyclic", "reference", ContractStatus.KEPT)
    unchecked = ContractOutcome("b", "acyclic", "reference", ContractStatus.UNCHECKED, reason="why not")
    page = read(to_html(replace(report, outcomes=(kept, unchecked, *report.outcomes))))
    order = [
        attributes["class"] for _, attributes in page.tags if (attributes.get("class") or "").startswith("contract ")
    ]
    assert order == ["contract broken", "contract broken", "contract unchecked", "contract kept"]


def test_names_are_text() -> None:
    name = HOSTILE["batchnorm_0_0"] + HOSTILE["dropout_0"]
    page = checked(name).render(Format.HTML.value)
    assert name not in page
    read(page)


def test_all_that_is_said_of_contracts() -> None:
    report = checked()
    link = Link(HOSTILE["batchnorm_0_1"], "c", known=False, ops=((HOSTILE["conv1d_0_1"], "Mul"),))
    outcomes = (
        ContractOutcome("it", "acyclic", "reference", ContractStatus.KEPT),
        ContractOutcome("long", "acyclic", "reference", ContractStatus.UNCHECKED, reason="why not"),
        ContractOutcome(
            "there", "acyclic", "reference", ContractStatus.BROKEN, (Violation("a reaches c", (Link("a", "b"), link)),)
        ),
    )
    removed = Accepted("m", "GD301", (("a", "b"),))
    page = to_html(replace(report, outcomes=outcomes, removed=(removed,), baseline="base.json"))
    words = " ".join(text for tag, texts in read(page).texts.items() if tag != "script" for text in texts)
    for said in ("kept", "not checked", "why not", "broken", "a reaches c", "(Keras has no such edge: ", "(Mul)"):
        assert said in words
    assert escape_unprintable(HOSTILE["conv1d_0_1"]) in words
    assert "base.json: 0 accepted findings, 1 that are there no longer." in words


def test_without_any_model() -> None:
    report = checked()
    unread = tuple(model for model in report.models if model.error)
    page = to_html(CheckReport("c.toml", unread, ()))
    assert models_of(page) == []
