"""The check report on the terminal and for tools."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from graphdiag.diagnosis.finding import Severity
from graphdiag.render.ci.check import suites_of, to_junit, to_markdown
from graphdiag.render.text.check import to_text, verdict
from graphdiag.results.check_report import (
    UNREAD,
    Accepted,
    CheckedModel,
    CheckReport,
    ContractOutcome,
    ContractStatus,
    Link,
    Violation,
)
from tests.support.check_reports import checked

HOSTILE = 'a\x1b[31m<b>"\n|::,'


def report(*outcomes, models=("m",), **more):
    data = {"graphs": {"layers": {"nodes": 3, "edges": 2}, "ops": None}}
    return CheckReport("c.toml", tuple(CheckedModel(name, f"{name}.py", data) for name in models), outcomes, **more)


def outcome(status=ContractStatus.KEPT, contract="it", model="m", **more):
    return ContractOutcome(contract, "acyclic", model, status, **more)


def chain(*nodes, known=True):
    return tuple(Link(source, target, known=known) for source, target in pairwise(nodes))


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ([ContractStatus.KEPT], "1 contract kept."),
        ([ContractStatus.KEPT, ContractStatus.KEPT, ContractStatus.BROKEN], "2 contracts kept, 1 broken."),
        ([ContractStatus.BROKEN, ContractStatus.UNCHECKED], "0 contracts kept, 1 broken, 1 could not be checked."),
    ],
)
def test_the_verdict_comes_first(statuses, words):
    found = report(*(outcome(status, f"c{number}") for number, status in enumerate(statuses)))
    assert verdict(found) == words
    assert to_text(found).startswith(f"{words}\n\nm  m.py: 3 layers, 2 edges, no op graph\n\n")


def test_a_contract_is_broken_if_it_is_on_any_model():
    found = report(outcome(), outcome(ContractStatus.BROKEN, model="n"), models=("m", "n"))
    [contract] = found.contracts
    assert contract.status is ContractStatus.BROKEN
    unread = outcome(ContractStatus.UNCHECKED, model="n", reason=UNREAD)
    assert report(outcome(), unread, models=("m", "n")).contracts[0].status is ContractStatus.UNCHECKED


def test_chains_are_shown_whole_up_to_a_length():
    short, long = chain("a", "b", "c"), chain(*(f"n{number}" for number in range(40)))
    text = to_text(report(outcome(ContractStatus.BROKEN, violations=(Violation("w", short), Violation("v", long)))))
    assert "  w\n    a\n    -> b\n    -> c\n  v\n    n0\n    -> n1\n" in text
    assert "    -> n6\n    -> 27 more\n    -> n34\n" in text
    assert text.endswith("    -> n39\n")


def test_many_violations_are_counted():
    text = to_text(report(outcome(ContractStatus.BROKEN, violations=tuple(Violation(f"v{n}") for n in range(9)))))
    assert "  v4\n  and 4 more (--format json has all)\n" in text
    assert "v5" not in text


def test_names_break_no_line():
    link = Link(HOSTILE, "b", known=False, ops=((HOSTILE, "Mul"),))
    found = report(outcome(ContractStatus.BROKEN, HOSTILE, violations=(Violation(f"{HOSTILE} feeds itself", (link,)),)))
    text = to_text(found)
    assert "\x1b" not in text
    assert 'a\\x1b[31m<b>"\\n|::, feeds itself' in text
    context = ElementTree.fromstring(to_junit(found)).find("testsuite/testcase")
    assert context.find("failure").get("message") == 'a\\x1b[31m<b>"\\n|::, feeds itself'


def test_a_problem_points_at_the_line_of_the_layer_that_takes_what_is_hidden():
    links = (Link("a", "b"), Link("b", "c", known=False))
    found = report(
        outcome(ContractStatus.BROKEN, violations=(Violation("a reaches c", links), Violation("d is used once")))
    )
    found.models[0].data["locations"] = {"b": ["m.py", 3], "c": ["layers.py", 7]}
    first, second = suites_of(found)[0].problems
    assert (first.location.path, first.location.line) == ("layers.py", 7)
    assert (second.location.path, second.location.line) == ("m.py", None)


def test_a_comment_on_a_pull_request():
    broken = outcome(
        ContractStatus.BROKEN, "apart", violations=(Violation("a reaches c", chain("a", "b", "c", known=False)),)
    )
    comment = to_markdown(report(outcome(), broken))
    assert "\n1 contract kept, 1 broken.\n" in comment
    assert "a reaches c" in comment
    assert "b -> c (Keras has no such edge)" in comment


def test_what_the_baseline_says():
    removed = Accepted("m", "GD301", tuple((f"a{n}", "b") for n in range(5)))
    text = to_text(
        report(outcome(), accepted=(removed, removed), removed=(removed, Accepted("m", "GD4")), baseline="b.json")
    )
    assert text.endswith(
        "\nb.json accepts 2 findings.\n"
        "b.json accepts what is there no longer; 'graphdiag check --update-baseline' takes it out:\n"
        "  m: GD301 a0 -> b, a1 -> b, a2 -> b and 2 more\n  m: GD4\n"
    )


def test_a_model_is_a_suite_and_a_contract_a_check():
    broken = outcome(
        ContractStatus.BROKEN, "apart", violations=(Violation("a reaches c", chain("a", "b", "c", known=False)),)
    )
    unchecked = outcome(ContractStatus.UNCHECKED, "other", reason="why")
    unread = CheckedModel("n", "n.py", error="n.py does not exist.")
    found = report(outcome(), broken, unchecked, outcome(ContractStatus.UNCHECKED, model="n", reason=UNREAD))
    first, second = suites_of(CheckReport("c", (*found.models, unread), found.outcomes))
    assert [check.id for check in first.checks] == ["it", "apart", "other"]
    apart, other = first.problems
    assert (apart.check, apart.severity, apart.message) == ("apart", Severity.ERROR, "a reaches c")
    assert apart.layers == ("a", "b", "c")
    assert apart.details == ["a -> b (Keras has no such edge)", "b -> c (Keras has no such edge)"]
    assert (other.check, other.message) == ("other", "could not be checked: why")
    assert (second.failure, second.problems) == ("n.py does not exist.", [])


def test_a_check_is_short_in_a_prompt():
    found = checked()
    assert repr(found) == "CheckReport('c.toml', models=3, kept=0, broken=2, unchecked=0)"
    assert len(repr(found.models[0])) < 200
