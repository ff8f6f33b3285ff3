"""Markdown for GitHub: what a renderer makes of it, and how large it may get."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from graphdiag.diagnosis.finding import Severity
from graphdiag.render.ci.markdown import LIMIT, to_markdown, write
from graphdiag.render.ci.markdown_text import block, code, folded, prose, table
from graphdiag.render.ci.suites import Check, Location, Problem, Suite
from graphdiag.unprintable import escape_unprintable
from tests.render.reports import finding, hostile_report, hostile_suites, report_with
from tests.support.hostile import HOSTILE, NAMES
from tests.support.reports import report_on

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = re.compile(r"<details><summary>(<code>(?P<title>[^<>]*)</code>)?[^<>]*</summary>\n|</details>\n?")
LINKED = re.compile(r"@|#\d|GH-\d|https?:|www\.|[0-9a-fA-F]{7,}")


def leaves(text):
    """The tokens that show something, those inside of paragraphs too."""
    for token in GFM.parse(text):
        yield from token.children or ([token] if token.content else [])


def shown(text):
    """All text that a reader sees; fails on what a name must not become."""
    words = []
    for token in leaves(text):
        assert token.type in {
            *("text", "code_inline", "fence", "html_block", "softbreak", "strong_open", "strong_close"),
        }, token
        if token.type == "html_block":
            ours = OURS.fullmatch(token.content)
            assert ours, token.content
            words.append(unescape(ours["title"] or ""))
            continue
        if token.type == "text":
            assert not LINKED.search(token.content), token.content
        words.append(token.content)
    return " ".join(words)


def rows(text):
    """Cells of all tables, as text."""
    found, row = [], []
    for token in GFM.parse(text):
        if token.type == "inline":
            row.append("".join(child.content for child in token.children))
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            found.append(list(row))
    return found


# --- building blocks -------------------------------------------------------------------------------------------------


def content(text):
    [paragraph] = [token for token in GFM.parse(text) if token.type == "inline"]
    return paragraph.children


@given(NAMES)
@settings(deadline=None)
def test_a_name_is_one_code_span(name):
    [span] = content(code(name))
    assert span.type == "code_inline"
    whole = escape_unprintable(name) if len(escape_unprintable(name)) <= 300 else f"{escape_unprintable(name)[:299]}…"
    assert span.content.strip() == (whole or '""').strip()


@given(st.lists(NAMES, min_size=1, max_size=4))
@settings(deadline=None)
def test_a_name_is_one_cell(names):
    cells = [code(name, in_table=True) for name in names]
    text = "\n".join(table(["head"] * len(names), [cells]))
    _, read = rows(text)
    assert len(read) == len(names)
    for name, cell in zip(names, read, strict=True):
        whole = (
            escape_unprintable(name) if len(escape_unprintable(name)) <= 300 else f"{escape_unprintable(name)[:299]}…"
        )
        assert cell.replace(r"\x7c", "|").strip() == (whole or '""').strip()


def test_no_pipe_follows_two_backslashes():
    # GitHub's own renderer would take the pipe for the end of the cell.
    assert code(r"a\|b|c", in_table=True) == r"`a\\x7cb\x7cc`"


@given(st.lists(NAMES, min_size=1, max_size=5).map(" and ".join))
@settings(deadline=None)
@example("1. one")
@example("- one")
@example("# one")
@example("-> one")
@example("(see batchnorm_0/Mean())., K.learning_phase() (of tf.keras).")
def test_prose_shows_the_same_words_and_no_markup(words):
    assume(len(escape_unprintable(words)) <= 1000 and max(map(len, escape_unprintable(words).split(" "))) <= 300)
    text = prose(words)
    assert "".join(shown(text).split()) == "".join(escape_unprintable(words).split())


def test_prose_reads_well():
    assert prose("1 drawn layer edge is real (a_b -> switched), said K.learning_phase() (Keras 2.0 to 2.2).") == (
        "1 drawn layer edge is real (`a_b` -> switched), said `K.learning_phase()` (Keras 2.0 to 2.2)."
    )
    assert prose("Call trace_export(...). (See f(x).)") == "Call `trace_export(...)`. (See `f(x)`.)"


@given(st.lists(NAMES, max_size=4))
@settings(deadline=None)
def test_a_block_shows_its_lines(lines):
    [fence] = GFM.parse(block(lines))
    assert fence.type == "fence"
    assert fence.content.split("\n")[:-1] == [escape_unprintable(line) for line in lines]


@given(NAMES)
@settings(deadline=None)
def test_a_title_is_text(name):
    first, paragraph, last = leaves(folded(name, ": one.", ["Body."]))
    assert unescape(OURS.fullmatch(first.content)["title"] or "") in (
        escape_unprintable(name),
        f"{escape_unprintable(name)[:299]}…",
    )
    assert (paragraph.content, last.content) == ("Body.", "</details>")


# --- comments --------------------------------------------------------------------------------------------------------


def test_the_answer_comes_first():
    text = to_markdown(report_on("keras216_reference"))
    assert text.startswith(
        "### graphdiag\n\n8 drawn layer edges are not in your model. All 8 are artifacts of one op, "
    )
    assert ["⚠️ warning", "GD101 shared-learning-phase", "artifact", "Keras", "8"] in [row[:5] for row in rows(text)]
    assert "batchnorm_0_0 -> batchnorm_0_1, batchnorm_0_2" in shown(text)
    assert "Left out" not in text


def test_several_models():
    check, kept = Check("towers", "apart"), Check("acyclic")
    suites = [
        Suite(
            "point cloud",
            [check, kept],
            [
                Problem(
                    "towers",
                    Severity.ERROR,
                    "conv_0 reaches conv_1.",
                    "Cut it.",
                    details=["conv_0 -> add", "add -> conv_1"],
                    location=Location("models/net.py", 12),
                )
            ],
            notes=["By the way."],
        ),
        Suite("other", [check], failure="other.py does not exist."),
    ]
    text = write(suites, "1 of 2 contracts is broken.")
    assert text.startswith("### graphdiag\n\n1 of 2 contracts is broken.\n\n| severity | model | check | problem |")
    assert rows(text)[1:] == [
        ["❌ error", "point cloud", "towers apart", "conv_0 reaches conv_1."],
        ["❌ error", "other", "", "other.py does not exist."],
    ]
    told = shown(text)
    for words in (
        "models/net.py:12",
        "conv_0 -> add\nadd -> conv_1\n",
        "Cut it.",
        "point cloud: acyclic",
        "By the way.",
    ):
        assert words in told


@given(NAMES, NAMES)
@settings(deadline=None, max_examples=60)
def test_names_come_out_as_text(name, other):
    report = hostile_report(name, other)
    told = "".join(shown(to_markdown(report)).split())
    if (
        len(escape_unprintable(name)) <= 300
        and len(escape_unprintable(f"1 drawn layer edge from {name} carries to {other}")) < 900
    ):
        assert "".join(f"edge from {escape_unprintable(name)} carries".split()) in told


@given(NAMES, NAMES)
@settings(deadline=None, max_examples=60)
def test_names_in_suites_come_out_as_text(name, other):
    shown(write(hostile_suites(name, other), name))


@pytest.mark.parametrize("name", HOSTILE)
def test_no_model_makes_it_too_large(name):
    long = (name or "x") * (100_000 // len(name or "x"))
    findings = [
        finding(message=f"From {long}.", fix=long, culprits=(long, str(number)), edges=((long, str(number)),) * 900)
        for number in range(50)
    ]
    text = to_markdown(report_with(*findings, path=long, notes=(long,) * 50))
    assert len(text.encode("utf-8")) < LIMIT
    shown(text)


def test_what_was_left_out_is_said():
    findings = [finding(message=f"Number {number}. {'word ' * 100}") for number in range(400)]
    text = to_markdown(report_with(*findings, notes=("A note.",)))
    assert len(text.encode("utf-8")) < LIMIT
    cells = len(rows(text)) - 1 - len([row for row in rows(text) if len(row) == 2])
    details = text.count("<details>")
    assert 0 < cells < 400
    assert 0 < details < 400
    assert text.endswith(
        f"Left out to stay below 60 kB: {400 - cells} rows of the table and {400 - details} details. "
        "`--format json` has all.\n"
    )
