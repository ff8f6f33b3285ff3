"""The answer in two sentences: is it the model, Keras, TensorFlow or TensorBoard?"""

from __future__ import annotations

from collections.abc import Sequence

from graphdiag.diagnosis.finding import Blame, Finding, Verdict
from graphdiag.results.report import Report

WHO = {
    Blame.MODEL: "your code",
    Blame.KERAS: "Keras",
    Blame.TENSORFLOW: "TensorFlow",
    Blame.TENSORBOARD: "TensorBoard",
}
"""Whom the user knows a blame as."""


def headline(report: Report) -> str:
    """The report's answer.

    Args:
        report: The report.

    Returns:
        Two sentences, and one more where edges are missing as well or TensorBoard cannot draw the op graph.
    """
    layers, ops, summary = report.layer_graph, report.op_graph, report.summary
    model = f"Your model has {_edges(len(layers.edges))}" if layers else ""
    if ops is None:
        return f"{model}. There is no op graph to hold it against, so nothing can be said about what TensorBoard draws."
    if layers is not None and not len(ops):
        return f"{model}, and the op graph is empty: TensorBoard draws none of them. Your code is not at fault."
    sentences = ["TensorBoard cannot draw this op graph."] if _is_undrawn(report) else []
    if layers is None:
        return " ".join([*sentences, _without_layers(report)])
    extra = summary.hidden + summary.artifact
    if extra:
        sentences.append(_not_in_the_model(report, extra))
    elif not summary.missing:
        sentences.append(f"{model}, and TensorBoard's op graph has the same and no others.")
        sentences.append("No artifact and no hidden dependency was found.")
    else:
        sentences.append(
            f"Every {_drawn(report)}layer edge is in your model: no artifact and no hidden dependency was found."
        )
    if summary.missing:
        missing = _of(report.findings, Verdict.MISSING)
        one = summary.missing == 1
        sentences.append(
            f"{_edges(summary.missing)} of your model {'is' if one else 'are'} not drawn; see {_codes(missing)}."
        )
    return " ".join(sentences)


def _is_undrawn(report: Report) -> bool:
    """Whether the op graph is of several that TensorBoard does not merge, so that it draws none of them."""
    return any(finding.code == "GD206" for finding in report.findings)


def _drawn(report: Report) -> str:
    return "" if _is_undrawn(report) else "drawn "


def _without_layers(report: Report) -> str:
    count, artifacts = report.summary.artifact, _of(report.findings, Verdict.ARTIFACT)
    if not count:
        return (
            f"Every {_drawn(report)}edge between name scopes carries activations or parameters. Without a layer graph "
            "it cannot be told which of them your model does not have."
        )
    edges = "edge between name scopes carries" if count == 1 else "edges between name scopes carry"
    causes = f"{_all(count)} {_artifacts(artifacts, count)}: {_made(artifacts)}"
    return f"{count:,} {_drawn(report)}{edges} no activation. {causes}."


def _not_in_the_model(report: Report, extra: int) -> str:
    hidden, artifacts = _of(report.findings, Verdict.HIDDEN), _of(report.findings, Verdict.ARTIFACT)
    real, harmless = report.summary.hidden, report.summary.artifact
    first = f"{extra:,} {_drawn(report)}layer edge{'' if extra == 1 else 's'} {_difference(report, extra)}."
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
