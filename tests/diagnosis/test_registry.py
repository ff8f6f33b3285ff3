"""Which rules there are, and which report."""

from __future__ import annotations

import sys

import pytest

from graphdiag.diagnosis.diagnose import RULES, diagnose
from graphdiag.diagnosis.finding import Verdict
from graphdiag.diagnosis.registry import all_rules, find_rules, reported, select
from graphdiag.errors import GraphdiagError, UsageError
from tests.support.graph_text import LOGS
from tests.support.reports import report_on

HIDDEN = sorted(path.parent.name for path in LOGS.glob("*/expected_hidden.json"))
GREEDY = '''"""ACME001 greedy: claims all it is shown."""
from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict
from graphdiag.diagnosis.rule import Found, Rule

def find(case, open_edges):
    kind = Verdict.ARTIFACT, Blame.MODEL, Severity.WARNING
    edges = tuple(sorted({pair for pair, _ in open_edges}))
    yield Found(Finding("ACME001", "greedy", *kind, "All of it.", "None.", edges=edges), tuple(open_edges))

RULE = Rule("ACME001", "greedy", Verdict.ARTIFACT, Blame.MODEL, Severity.WARNING, find, __name__)
TWIN = Rule("GD101", "twin", Verdict.ARTIFACT, Blame.MODEL, Severity.WARNING, find, __name__)
ODD = Rule("acme", "odd", Verdict.ARTIFACT, Blame.MODEL, Severity.WARNING, find, __name__)
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with one rule: its entry point is the name that is given."""

    def put(value, content=GREEDY):
        (tmp_path / "acme_rules.py").write_text(content)
        information = tmp_path / "acme_graphs-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-graphs\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[graphdiag.rules]\nACME001 = {value}\n")
        monkeypatch.syspath_prepend(tmp_path)
        all_rules.cache_clear()

    yield put
    sys.modules.pop("acme_rules", None)
    all_rules.cache_clear()


def hidden_edges(findings):
    return {edge for finding in findings if finding.verdict is Verdict.HIDDEN for edge in finding.edges}


def codes(rules):
    return [rule.code for rule in rules]


def test_without_plug_ins_the_rules_are_graphdiags_own():
    assert sorted(codes(all_rules())) == sorted(codes(RULES))


def test_what_is_real_is_claimed_before_anything_else(install):
    install("acme_rules:RULE")
    verdicts = [rule.verdict for rule in all_rules()]
    first_other = next(place for place, verdict in enumerate(verdicts) if verdict is not Verdict.HIDDEN)
    assert Verdict.HIDDEN not in verdicts[first_other:]
    assert codes(all_rules())[first_other] == "ACME001"


@pytest.mark.parametrize("log", HIDDEN)
def test_a_rule_of_another_package_cannot_call_harmless_what_is_real(install, log):
    context = report_on(log).context
    before = hidden_edges(diagnose(context))
    install("acme_rules:RULE")
    findings = diagnose(context, all_rules())
    assert (
        {edge for finding in findings if finding.verdict is Verdict.HIDDEN for edge in finding.edges} == before != set()
    )
    assert "ACME001" in {finding.code for finding in findings}


@pytest.mark.parametrize("log", HIDDEN)
def test_ignoring_a_hidden_rule_makes_no_artifact(log):
    context = report_on(log).context
    rules = all_rules()
    everything = diagnose(context, rules)
    kept = reported(everything, select(rules, ignore=["GD3"]))
    assert kept == tuple(finding for finding in everything if not finding.code.startswith("GD3"))
    assert len(kept) < len(everything)


OF_LEFTOVERS = ["GD401", "GD402", "GD403", "GD404", "GD405", "GD406"]


@pytest.mark.parametrize(
    ("wanted", "unwanted", "chosen"),
    [
        (["GD101"], [], ["GD101"]),
        (["gd101", "GD4"], [], ["GD101", *OF_LEFTOVERS]),
        (["GD1"], ["GD10"], ["GD110", "GD111", "GD112", "GD113", "GD114", "GD115", "GD116", "GD117", "GD118"]),
        (["GD101"], ["GD1"], ["GD101"]),
        (["GD30", "GD40"], ["GD3", "GD402"], ["GD301", "GD302", "GD303", *OF_LEFTOVERS[:1], *OF_LEFTOVERS[2:]]),
        (["GD101", "GD102"], ["GD101"], ["GD102"]),
        ([], ["GD1", "GD2"], ["GD301", "GD302", "GD303", *OF_LEFTOVERS]),
        (["ALL"], ["GD1", "GD2", "GD3"], OF_LEFTOVERS),
        ([], ["ALL"], []),
    ],
)
def test_the_longer_prefix_wins(wanted, unwanted, chosen):
    assert sorted(codes(select(all_rules(), wanted, unwanted))) == chosen


def test_everything_is_chosen_by_default():
    assert select(all_rules()) == all_rules()


@pytest.mark.parametrize(
    ("options", "option", "nearest"),
    [
        ({"select": ["GD1O1"]}, "--select GD1O1", "GD101"),
        ({"ignore": ["GD30l"]}, "--ignore GD30l", "GD301"),
        ({"select": ["GD1011"]}, "--select GD1011", "GD101"),
    ],
)
def test_an_unknown_code_names_the_nearest(options, option, nearest):
    with pytest.raises(UsageError) as caught:
        select(all_rules(), **options)
    assert str(caught.value).startswith(f"{option}: no rule has this code, the nearest is {nearest}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "QX", "*"])
def test_what_looks_like_no_code_names_none(text):
    with pytest.raises(UsageError, match="no rule has this code; 'graphdiag explain' lists all"):
        select(all_rules(), [text])


@pytest.mark.parametrize("which", ["gd205", "GD205", "hidden-in-function", " Hidden-In-Function "])
def test_a_rule_by_its_code_or_name(which):
    [rule] = find_rules(all_rules(), which)
    assert rule.code == "GD205"


def test_rules_by_how_their_codes_begin():
    codes = [rule.code for rule in find_rules(all_rules(), "gd3")]
    assert codes == ["GD301", "GD302", "GD303"]


@pytest.mark.parametrize(
    ("which", "nearest"),
    [("GD2O5", ", the nearest is GD205"), ("shared-learning", ", the nearest is shared-learning-phase"), ("", "")],
)
def test_no_rule_by_a_wrong_code_or_name(which, nearest):
    with pytest.raises(UsageError, match=f"^{which}: no rule has this code or name{nearest};"):
        find_rules(all_rules(), which)


@pytest.mark.parametrize(
    ("value", "content", "what"),
    [
        ("acme_rules:RULE", "import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        ("acme_rules:RULE", "raise RuntimeError('first line\\nsecond line')\n", "cannot be loaded: first line. Update"),
        ("acme_rules:LOST", GREEDY, "cannot be loaded: module 'acme_rules' has no attribute 'LOST'"),
        ("acme_rules:find", GREEDY, "is a function, and must be a graphdiag Rule"),
        ("acme_rules:TWIN", GREEDY, "there is a rule GD101 already"),
        ("acme_rules:ODD", GREEDY, "the code 'acme' must be capital letters and a number"),
    ],
)
def test_a_broken_plug_in_is_named_in_one_line(install, value, content, what):
    install(value, content)
    with pytest.raises(GraphdiagError) as caught:
        all_rules()
    message = str(caught.value)
    assert message.startswith(f"the rule ACME001 of acme-graphs ({value})")
    assert what in message
    assert "\n" not in message
