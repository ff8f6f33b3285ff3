"""The check report on the terminal and for tools."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from graphdiag.diagnosis.finding import Severity
from graphdiag.report.check_report import (
    UNREAD,
    Accepted,
    CheckedModel,
    CheckReport,
    Judgement,
    Link,
    Status,
    Violation,
)
from graphdiag.report.check_results import suites_of, to_junit, to_markdown
from graphdiag.report.check_text import to_text, verdict
from tests.check_reports import checked

HOSTILE = 'a\x1b[31m<b>"\n|::,'


def report(*judgements, models=("m",), **more):
    data = {"graphs": {"layers": {"nodes": 3, "edges": 2}, "ops": None}}
    return CheckReport("c.toml", tuple(CheckedModel(name, f"{name}.py", data) for name in models), judgements, **more)


def judgement(status=Status.KEPT, contract="it", model="m", **more):
    return Judgement(contract, "acyclic", model, status, **more)


def chain(*nodes, known=True):
    return tuple(Link(source, target, known=known) for source, target in pairwise(nodes))


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ([Status.KEPT], "1 contract kept."),
        ([Status.KEPT, Status.KEPT, Status.BROKEN], "2 contracts kept, 1 broken."),
        ([Status.BROKEN, Status.UNCHECKED], "0 contracts kept, 1 broken, 1 could not be checked."),
    ],
)
def test_the_verdict_comes_first(statuses, words):
    found = report(*(judgement(status, f"c{number}") for number, status in enumerate(statuses)))
    assert verdict(found) == words
    assert to_text(found).startswith(f"{words}\n\nm  m.py: 3 layers, 2 edges, no op graph\n\n")


def test_a_contract_is_broken_if_it_is_on_any_model():
    found = report(judgement(), judgement(Status.BROKEN, model="n"), models=("m", "n"))
    [contract] = found.contracts
    assert contract.status is Status.BROKEN
    unread = judgement(Status.UNCHECKED, model="n", reason=UNREAD)
    assert report(judgement(), unread, models=("m", "n")).contracts[0].status is Status.UNCHECKED


def test_chains_are_shown_whole_up_to_a_length():
    short, long = chain("a", "b", "c"), chain(*(f"n{number}" for number in range(40)))
    text = to_text(report(judgement(Status.BROKEN, violations=(Violation("w", short), Violation("v", long)))))
    assert "  w\n    a\n    -> b\n    -> c\n  v\n    n0\n    -> n1\n" in text
    assert "    -> n6\n    -> 27 more\n    -> n34\n" in text
    assert text.endswith("    -> n39\n")


def test_many_violations_are_counted():
    text = to_text(report(judgement(Status.BROKEN, violations=tuple(Violation(f"v{n}") for n in range(9)))))
    assert "  v4\n  and 4 more (--format json has all)\n" in text
    assert "v5" not in text


def test_names_break_no_line():
    link = Link(HOSTILE, "b", known=False, ops=((HOSTILE, "Mul"),))
    found = report(judgement(Status.BROKEN, HOSTILE, violations=(Violation(f"{HOSTILE} feeds itself", (link,)),)))
    text = to_text(found)
    assert "\x1b" not in text
    assert 'a\\x1b[31m<b>"\\n|::, feeds itself' in text
    case = ElementTree.fromstring(to_junit(found)).find("testsuite/testcase")
    assert case.find("failure").get("message") == 'a\\x1b[31m<b>"\\n|::, feeds itself'


def test_a_problem_points_at_the_line_of_the_layer_that_takes_what_is_hidden():
    links = (Link("a", "b"), Link("b", "c", known=False))
    found = report(judgement(Status.BROKEN, violations=(Violation("a reaches c", links), Violation("d is used once"))))
    found.models[0].data["locations"] = {"b": ["m.py", 3], "c": ["layers.py", 7]}
    first, second = suites_of(found)[0].problems
    assert (first.location.path, first.location.line) == ("layers.py", 7)
    assert (second.location.path, second.location.line) == ("m.py", None)


def test_a_comment_on_a_pull_request():
    broken = judgement(
        Status.BROKEN, "apart", violations=(Violation("a reaches c", chain("a", "b", "c", known=False)),)
    )
    comment = to_markdown(report(judgement(), broken))
    assert "\n1 contract kept, 1 broken.\n" in comment
    assert "a reaches c" in comment
    assert "b -> c (Keras has no such edge)" in comment


def test_what_the_baseline_says():
    gone = Accepted("m", "GD301", tuple((f"a{n}", "b") for n in range(5)))
    text = to_text(report(judgement(), accepted=(gone, gone), gone=(gone, Accepted("m", "GD4")), baseline="b.json"))
    assert text.endswith(
        "\nb.json accepts 2 findings.\n"
        "b.json accepts what is there no longer; 'graphdiag check --update-baseline' takes it out:\n"
        "  m: GD301 a0 -> b, a1 -> b, a2 -> b and 2 more\n  m: GD4\n"
    )


def test_a_model_is_a_suite_and_a_contract_a_check():
    broken = judgement(
        Status.BROKEN, "apart", violations=(Violation("a reaches c", chain("a", "b", "c", known=False)),)
    )
    unchecked = judgement(Status.UNCHECKED, "other", reason="why")
    unread = CheckedModel("n", "n.py", error="n.py does not exist.")
    found = report(judgement(), broken, unchecked, judgement(Status.UNCHECKED, model="n", reason=UNREAD))
    first, second = suites_of(CheckReport("c", (*found.models, unread), found.judgements))
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
