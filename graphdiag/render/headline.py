"""The answer in two sentences: is it the model, Keras, TensorFlow or TensorBoard?"""

from __future__ import annotations

from collections.abc import Sequence

from graphdiag.diagnosis.finding import Blame, Finding, Verdict
from graphdiag.graphs.on_screen import is_drawn
from graphdiag.phrases import some
from graphdiag.results.report import Report
from graphdiag.sources.stack import PYTORCH

WHO = {
    Blame.MODEL: "your code",
    Blame.KERAS: "Keras",
    Blame.TENSORFLOW: "TensorFlow",
    Blame.TENSORBOARD: "TensorBoard",
}
"""Whom the user knows a blame as."""


_ON_SCREEN = (Verdict.MISPLACED, Verdict.LEFTOVER)
"""Verdicts on what looks otherwise than in the model, though the edges are the same."""
_REWRITTEN = "GD113"
"""Code of the findings on graphs that were rewritten: the edges that it explains are no differences of the model's."""
_BOOKKEEPING = frozenset({"GD111", "GD405", "GD406"})
"""Codes of findings that are about what stands beside the layers, which nobody takes for a part of the model."""


def headline(report: Report) -> str:
    """The report's answer.

    Args:
        report: The report.

    Returns:
        Two sentences, and one more where edges are missing as well or TensorBoard cannot draw the op graph.
    """
    layers, ops, summary = report.layer_graph, report.op_graph, report.summary
    if report.origin.stack == PYTORCH:
        return (
            "This is a graph of PyTorch. What its ops do is not known to graphdiag, so nothing is said about what "
            "flows over its edges. 'graphdiag draw' shows what TensorBoard draws of it."
        )
    model = f"Your model has {_edges(len(layers.edges))}" if layers else ""
    codes = _codes_of_all(report)
    if ops is None and "GD204" in codes:
        shown = "fails on the conceptual graph (GD202)" if "GD202" in codes else "shows the conceptual graph only"
        return f"{model}. There is no op graph to hold it against: TensorBoard {shown}."
    if ops is None:
        return f"{model}. There is no op graph to hold it against, so nothing can be said about what TensorBoard draws."
    if layers is None and not len(ops):
        return "The op graph is empty: TensorBoard draws nothing of it."
    if layers is not None and not len(ops):
        return f"{model}, and the op graph is empty: TensorBoard draws none of them. Your code is not at fault."
    sentences = ["TensorBoard cannot draw this op graph."] if _is_undrawn(report) else []
    if layers is None:
        return " ".join([*sentences, _without_layers(report)])
    extra = summary.hidden + summary.artifact
    different = _on_screen(report)
    if extra:
        sentences.append(_not_in_the_model(report, extra))
    elif report.left_out.artifact or report.left_out.hidden:
        pass
    elif not summary.missing and not report.left_out.missing:
        # TensorBoard reads no SavedModel, so nobody has this graph on screen.
        graph = "the op graph" if report.origin.kind == "saved_model" else "TensorBoard's op graph"
        same = f"{graph} has the same"
        if _otherwise_joined(report):
            sentences.append(f"{model}.")
        else:
            # Where a layer may hold another, reading its weight has no verdict; a note mentions it.
            others = any(
                edge.op_edges and not edge.in_model and edge.verdict is None and edge.carries == ("handle",)
                for edge in report.edges
            )
            sentences.append(f"{model}, and {same}{'.' if different or others else ' and no others.'}")
        sentences.append("No artifact and no hidden dependency was found.")
    elif summary.missing == len(layers.edges):
        codes_of_missing = _codes(_of(report.findings, Verdict.MISSING))
        sentences.append(
            f"None of the {_edges(summary.missing)} of your model is drawn; see {codes_of_missing}. No artifact and no "
            f"hidden dependency was found."
        )
    else:
        sentences.append(
            f"Every {_drawn(report)}layer edge is in your model: no artifact and no hidden dependency was found."
        )
    if summary.missing and (extra or summary.missing < len(layers.edges)):
        missing = _of(report.findings, Verdict.MISSING)
        one = summary.missing == 1
        sentences.append(
            f"{_edges(summary.missing)} of your model {'is' if one else 'are'} not drawn; see {_codes(missing)}."
        )
    sentences += _left_out(report)
    if different and not extra:
        sentences.append(f"What looks different on screen: {different}.")
    return " ".join(sentences)


def _otherwise_joined(report: Report) -> bool:
    """Whether layers are joined that Keras does not join, and a finding says why, which is not about a difference."""
    explained = {
        edge for finding in _of(report.findings, Verdict.LEFTOVER) if finding.evidence for edge in finding.edges
    }
    joined = [edge for edge in report.edges if not edge.in_model and edge.op_edges and edge.verdict is None]
    ignored = any(code == _REWRITTEN for code, *_ in report.not_listed)
    return any(ignored or (edge.source, edge.target) in explained for edge in joined)


def _on_screen(report: Report) -> str:
    """``duplicated-layer (GD112) and unused-input (GD403)``: the boxes and arrows that are not as in the model."""
    rules = dict.fromkeys(
        f"{finding.rule} ({finding.code})"
        for finding in report.findings
        if finding.verdict in _ON_SCREEN
        and (report.layer_graph is not None or finding.code not in _BOOKKEEPING)
        and not _is_in_library(report, finding)
    )
    # What is not listed is on screen all the same.
    ignored = [
        f"{rule} ({code}, ignored)"
        for code, rule, verdict in report.not_listed
        if verdict in _ON_SCREEN and (report.layer_graph is not None or code not in _BOOKKEEPING)
    ]
    return some([*rules, *ignored], 4)


def _is_in_library(report: Report, finding: Finding) -> bool:
    """Whether it is about bodies of functions alone, which TensorBoard shows where they are asked for."""
    drawn = report.drawn_graph
    library = set(drawn.root.library) if drawn is not None else set()
    return bool(finding.culprits) and all(name.partition("/")[0] in library for name in finding.culprits)


def _left_out(report: Report) -> list[str]:
    """What differs, and only rules say that were not chosen: a choice of rules does not change what is true."""
    left = report.left_out
    count = left.artifact + left.hidden + left.missing
    if not count:
        return []
    return [
        f"{_edges(count)} differ{'s' if count == 1 else ''}, explained by rules that are ignored "
        f"({some(report.rules_left_out, 5)})."
    ]


def _codes_of_all(report: Report) -> set[str]:
    """Codes of all that was found, listed or not: a choice of rules does not change what is true."""
    return {finding.code for finding in report.findings} | {code for code, *_ in report.not_listed}


def _is_undrawn(report: Report) -> bool:
    """Whether the op graph is of several that TensorBoard does not merge, so that it draws none of them."""
    return "GD206" in _codes_of_all(report)


def _drawn(report: Report, findings: Sequence[Finding] = ()) -> str:
    """``drawn``, where TensorBoard draws an arrow for each edge that findings explain."""
    if _is_undrawn(report) or report.op_graph is None:
        return ""
    found: dict[tuple[str, str], bool] = {}
    shown: set[tuple[str, str]] = set()
    rows = report.op_graph.index
    for finding in findings:
        if finding.verdict in (Verdict.ARTIFACT, Verdict.HIDDEN) and finding.counted:
            found.update({edge: found.get(edge, False) for edge in finding.edges})
            for item in finding.evidence:
                pair = report.owner(item.source) or "", report.owner(item.target) or ""
                way = [item.source, *item.through, item.target]
                shown.add(pair)
                if not found.get(pair, True) and all(name in rows for name in way):
                    found[pair] = is_drawn(report.op_graph, report.drawn_graph, [rows[name] for name in way])
    joined = {(edge.source, edge.target) for edge in report.edges if edge.op_edges}
    return "drawn " if all(drawn or (edge not in shown and edge in joined) for edge, drawn in found.items()) else ""


def _without_layers(report: Report) -> str:
    if "GD207" in _codes_of_all(report):
        return "This trace holds single ops and no model (GD207), so nothing can be said about its layers."
    count, artifacts = report.summary.artifact, _of(report.findings, Verdict.ARTIFACT)
    if not count:
        if report.left_out.artifact:
            return " ".join(_left_out(report))
        different = _on_screen(report)
        if not report.edges:
            said = (
                f"No two {_boxes(report)} that may be layers are joined in this graph, so there is nothing to compare."
            )
            return said + (f" What looks odd on screen: {different}." if different else "")
        return (
            f"Every {_drawn(report)}edge between {_boxes(report)} carries activations or parameters. Without a layer "
            "graph it cannot be told which of them your model does not have."
            + (f" What looks odd on screen: {different}." if different else "")
        )
    edges = f"edge between {_boxes(report)} carries" if count == 1 else f"edges between {_boxes(report)} carry"
    causes = f"{_all(count)} {_artifacts(artifacts, count)}: {_made(artifacts)}"
    return f"{count:,} {_drawn(report)}{edges} no activation. {causes}."


def _boxes(report: Report) -> str:
    """What the ends of edges are without a layer graph: of a subclassed model that was traced, its layers are known."""
    return "name scopes" if report.ownership is None or report.ownership.by_scope else "layers"


def _not_in_the_model(report: Report, extra: int) -> str:
    hidden, artifacts = _of(report.findings, Verdict.HIDDEN), _of(report.findings, Verdict.ARTIFACT)
    real, harmless = report.summary.hidden, report.summary.artifact
    subjects = f"{_drawn(report, report.findings)}layer edge{'' if extra == 1 else 's'}"
    first = f"{extra:,} {subjects} {_difference(report, extra)}."
    harmless_are = f"{_artifacts(artifacts, harmless)}, and no activation flows there: {_made(artifacts)}"
    if not real:
        return f"{first} {_all(harmless)} {harmless_are}."
    subject = f"{real:,} {_are(real)}" if harmless else _all(real)
    edges = dict.fromkeys(edge for finding in hidden for edge in finding.edges)
    named = f" ({', '.join(f'{source} -> {target}' for source, target in edges)})" if len(edges) <= 2 else ""
    known = "activations or parameters flow that Keras does not know of"
    second = f"{subject} real{named}, and {_made(hidden, real)}: {known}"
    if not harmless:
        return f"{first} {second}."
    return f"{first} {second}; the other {'one is' if harmless == 1 else f'{harmless:,} are'} {harmless_are}."


def _difference(report: Report, extra: int) -> str:
    """``is not in your model``; where Keras has an edge too, something else flows besides: another layer's weights."""
    known = sum(edge.in_model and edge.verdict is Verdict.HIDDEN for edge in report.edges)
    absent = f"{_are(extra)} not in your model"
    more = f"{'carries' if extra == 1 else 'carry'} more than your model says"
    return absent if not known else more if known == extra else f"{absent}, or {more}"


def _artifacts(findings: Sequence[Finding], edges: int) -> str:
    """``artifacts of one op, batchnorm_0_0/keras_learning_phase``."""
    culprits = _culprits(findings)
    whence = f"one op, {culprits[0]}" if len(culprits) == 1 else f"{len(culprits):,} ops"
    return f"{'an artifact' if edges == 1 else 'artifacts'} of {whence}"


def _made(findings: Sequence[Finding], count: int | None = None) -> str:
    """``Keras made it, not your code and not TensorBoard``: what there is one of is the culprit, if nothing is said."""
    blamed = list(dict.fromkeys(WHO[finding.blame] for finding in findings))
    others = [WHO[blame] for blame in (Blame.MODEL, Blame.KERAS, Blame.TENSORBOARD) if WHO[blame] not in blamed]
    if count is None:
        count = len(_culprits(findings))
    said = f"{' and '.join(blamed)} made {'it' if count == 1 else 'them'}"
    return said + (f", not {' and not '.join(others[:2])}" if others else "")


def _culprits(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(culprit for finding in findings for culprit in finding.culprits))


def _of(findings: Sequence[Finding], verdict: Verdict) -> list[Finding]:
    return [finding for finding in findings if finding.verdict is verdict]


def _codes(findings: Sequence[Finding]) -> str:
    return " and ".join(dict.fromkeys(finding.code for finding in findings if finding.edges))


def _all(count: int) -> str:
    return "It is" if count == 1 else "Both are" if count == 2 else f"All {count:,} are"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _edges(count: int) -> str:
    return f"{count:,} layer edge{'' if count == 1 else 's'}"
