"""The answer in two sentences: is it the model, Keras, TensorFlow or TensorBoard?"""

from __future__ import annotations

from collections.abc import Sequence

from graphdiag.diagnosis.finding import Blame, Finding, Verdict
from graphdiag.report.report import Report

_WHO = {
    Blame.MODEL: "your model's code",
    Blame.KERAS: "Keras",
    Blame.TENSORFLOW: "TensorFlow",
    Blame.TENSORBOARD: "TensorBoard",
}


def answer(report: Report) -> str:
    """The report's answer.

    Args:
        report: The report.

    Returns:
        Two sentences, or three where edges are missing as well.
    """
    if report.op_graph is None:
        return (
            f"The model has {_edges(_layer_edges(report))}. There is no op graph to hold it against, so nothing can "
            "be said about what TensorBoard draws."
        )
    if report.layer_graph is None:
        return _without_layers(report)
    if not len(report.op_graph):
        return (
            f"The model has {_edges(_layer_edges(report))}, and the op graph is empty: TensorBoard draws none of them. "
            "The model is not at fault."
        )
    summary = report.summary
    extra = summary.hidden + summary.artefact
    sentences = []
    if not extra:
        sentences.append(
            f"Every edge between layers in the op graph is in your model: {_edges(_layer_edges(report))}, "
            "none of them spurious."
        )
        if not summary.missing:
            sentences.append("No artefact and no hidden dependency was found.")
    else:
        sentences.append(f"{_drawn(extra)} not in your model.")
        sentences.append(_who(report))
    if summary.missing:
        sentences.append(f"{_edges(summary.missing)} of your model {_are(summary.missing)} not in the op graph.")
    return " ".join(sentences)


def _without_layers(report: Report) -> str:
    count = report.summary.artefact
    if not count:
        return (
            "No edge between name scopes carries less than activations or parameters. There is no layer graph to "
            "hold the op graph against, so hidden dependencies cannot be told from real ones."
        )
    return (
        f"{count} drawn edge{'' if count == 1 else 's'} between name scopes carr{'ies' if count == 1 else 'y'} no "
        f"activation. {_who(report)}"
    )


def _who(report: Report) -> str:
    hidden = _of(report.findings, Verdict.HIDDEN)
    artefacts = _of(report.findings, Verdict.ARTEFACT)
    parts = []
    if hidden:
        count = report.summary.hidden
        parts.append(
            f"{count} {_are(count)} real: activations or parameters flow that Keras does not know of, and "
            f"{_blamed(hidden)} made {'it' if count == 1 else 'them'} so"
        )
    if artefacts:
        count = report.summary.artefact
        culprits = [culprit for finding in artefacts for culprit in finding.culprits]
        whence = f"one op, {culprits[0]}" if len(culprits) == 1 else f"{len(culprits)} ops"
        how_many = "All of them are artefacts" if not hidden and count > 1 else f"{count} {_artefacts(count)}"
        if not hidden and count == 1:
            how_many = "It is an artefact"
        parts.append(
            f"{how_many} from {whence}, and no activation crosses: {_blamed(artefacts)} put "
            f"{'it' if count == 1 else 'them'} there"
        )
    return "; ".join(parts) + "."


def _of(findings: Sequence[Finding], verdict: Verdict) -> list[Finding]:
    return [finding for finding in findings if finding.verdict is verdict]


def _blamed(findings: Sequence[Finding]) -> str:
    blamed = list(dict.fromkeys(_WHO[finding.blame] for finding in findings))
    others = [who for blame, who in _WHO.items() if who not in blamed and blame in (Blame.MODEL, Blame.TENSORBOARD)]
    said = " and ".join(blamed)
    return said + (f" (not {' and not '.join(others)})" if others else "")


def _layer_edges(report: Report) -> int:
    return len(report.layer_graph.edges) if report.layer_graph else 0


def _edges(count: int) -> str:
    return f"{count} layer edge{'' if count == 1 else 's'}"


def _drawn(count: int) -> str:
    return f"{count} drawn layer edge{' is' if count == 1 else 's are'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _artefacts(count: int) -> str:
    return "is an artefact" if count == 1 else "are artefacts"
