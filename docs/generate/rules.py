"""The catalog of rules, and a page for each: its documentation, and what graphdiag prints and draws of an example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from docs.generate.page import Page, cell
from graphdiag import compare
from graphdiag.diagnosis.diagnose import RULES
from graphdiag.diagnosis.rule import Rule
from graphdiag.output import plain
from graphdiag.render import rule_pages
from graphdiag.render.registry import Format, to_console
from graphdiag.results.document import read
from graphdiag.results.report import Report

_ROOT = Path(__file__).resolve().parents[2]
_FIXTURES = _ROOT / "fixtures"

EXAMPLES = {
    "GD101": "logs/keras216_reference",
    "GD102": "logs/keras216_flag_in_layer",
    "GD103": "logs/keras216_shape_only",
    "GD104": "logs/keras216_control_only",
    "GD105": "logs/keras216_shared_constant",
    "GD106": "logs/keras216_noise_shared",
    "GD107": "logs/tf22_tb3118",
    "GD108": "logs/tf22_tf39398",
    "GD109": "logs/tf110_series_loop",
    "GD110": "logs/keras216_reference",
    "GD111": "logs/keras216_reference_fit",
    "GD112": "logs/keras216_siamese",
    "GD113": "reports/quantize_rewriter",
    "GD114": "reports/mirrored_estimator",
    "GD115": "reports/k3_two_shapes_in_one_tag",
    "GD116": "reports/train_step_trace",
    "GD117": "reports/tfk_relu_called_twice",
    "GD118": "models/name_scope_keras3.py",
    "GD200": "models/ignored_input_keras3.py",
    "GD201": "logs/tfk_reference_callback",
    "GD202": "logs/k3_raw_ops_conceptual",
    "GD203": "logs/tf22_graph_reference",
    "GD204": "logs/k3_reference_callback",
    "GD205": "logs/tfk_in_function",
    "GD206": "logs/graphs_of_two_producers",
    "GD207": "reports/subclassed_eager_trace",
    "GD208": "reports/k3_gru_callback",
    "GD301": "logs/keras216_hidden_tensor",
    "GD302": "logs/keras216_lambda_closes_over_tensor",
    "GD303": "logs/keras216_weight_tying",
    "GD401": "logs/keras216_two_models_in_one_graph",
    "GD402": "logs/keras216_dead_layer",
    "GD403": "reports/k3_unused_input",
    "GD404": "reports/gan_without_model",
    "GD405": "reports/tf1_frozen/frozen.pb",
    "GD406": "reports/mirrored_estimator",
}
"""For each rule a log or file of ``fixtures/`` that shows it."""

SAVED = Path(__file__).with_name("examples")
"""Saved reports on the examples that are Python files: the documentation is built without running a model."""

_WIDTH = 80
_KINDS = {"1": "Artifacts", "2": "Not drawn", "3": "Hidden dependencies", "4": "Leftovers"}
_REPOSITORIES = {
    "deep-learning-models": "fchollet/deep-learning-models",
    "keras": "keras-team/keras",
    "tensorboard": "tensorflow/tensorboard",
    "tensorflow": "tensorflow/tensorflow",
}


def pages() -> Iterator[Page]:
    """The catalog, then the rules by code, each with its picture."""
    rules = sorted(RULES, key=lambda rule: rule.code)
    yield Page("rules/index.md", "\n".join(_catalog(rules)), "Rules")
    for rule in rules:
        report = report_on(rule.code)
        assert any(finding.code == rule.code for finding in report.findings), rule.code
        yield Page(f"rules/{rule.code}.md", "\n".join(_page(rule, report)), f"{rule.code} {rule.name}")
        if _has_picture(report):
            picture = report.render("svg")
            assert isinstance(picture, str)
            yield Page(f"rules/{rule.code}.svg", picture)


def report_on(code: str) -> Report:
    """What ``graphdiag compare --select CODE`` reports on a rule's example.

    Args:
        code: The rule's.

    Raises:
        GraphdiagError: The example cannot be read.
    """
    source = _FIXTURES / EXAMPLES[code]
    if source.suffix == ".py":
        return read(SAVED / f"{source.stem}.json")
    beside = source / "model.json"
    report = compare(source, model=beside if beside.exists() else None, select=[code])
    return replace(report, origin=replace(report.origin, path=f"fixtures/{EXAMPLES[code]}"))


def _has_picture(report: Report) -> bool:
    return report.layer_graph is not None or bool(report.edges)


def _catalog(rules: list[Rule]) -> Iterator[str]:
    yield "# Rules\n"
    yield (
        "Each finding has the code of a rule. `graphdiag explain GD101` prints these pages in the terminal, and "
        "`--select` and `--ignore` choose which rules are reported. The [concepts](../concepts.md#verdicts) say what "
        "the verdicts mean.\n"
    )
    for digit, kind in _KINDS.items():
        yield f"## {kind}\n"
        yield "| code | name | verdict | what it finds |\n|---|---|---|---|"
        for rule in rules:
            if rule.code.startswith(f"GD{digit}"):
                link, verdict = f"[{rule.code}]({rule.code}.md)", f"`{rule.verdict.value}`"
                yield f"| {link} | {rule.name} | {verdict} | {cell(_summary(rule))} |"
        yield ""


def _summary(rule: Rule) -> str:
    summary = rule.documentation.partition("\n")[0].partition(": ")[2]
    return f"{summary[:1].upper()}{summary[1:]}"


def _page(rule: Rule, report: Report) -> Iterator[str]:
    written = rule_pages.written([rule], Format.MARKDOWN, whole=True)
    assert isinstance(written, str)
    _, _, rest = written.partition("\n")
    yield f"# {rule.code} {rule.name}\n"
    yield f"{_summary(rule)}\n"
    yield "| verdict | severity | blame |\n|---|---|---|"
    yield f"| `{rule.verdict.value}` | {rule.severity.value} | {rule.blame.value} |\n"
    yield _linked(rest.partition("\n\n")[2].partition("\n\n")[2])
    beside = _FIXTURES / EXAMPLES[rule.code] / "model.json"
    model = f" --model fixtures/{EXAMPLES[rule.code]}/model.json" if beside.exists() else ""
    yield "## What graphdiag prints\n"
    yield f"`graphdiag compare fixtures/{EXAMPLES[rule.code]}{model} --select {rule.code}`\n"
    yield f"```text\n{plain(to_console(report), _WIDTH)}```\n"
    if _has_picture(report):
        yield f"![The layer graph of this model, with the edges that differ]({rule.code}.svg)"


def _linked(text: str) -> str:
    """Numbers of issues as links."""
    text = re.sub(
        rf"\b({'|'.join(_REPOSITORIES)})#(\d+)",
        lambda found: f"[{found[0]}](https://github.com/{_REPOSITORIES[found[1]]}/issues/{found[2]})",
        text,
    )
    return re.sub(r"Stack Overflow (\d+)", r"[\g<0>](https://stackoverflow.com/questions/\1)", text)
