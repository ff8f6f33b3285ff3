"""The check report as one self-contained page: the contracts and models first, each model's pictures on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphdiag.picture_style import PictureStyle
from graphdiag.render.html.data import mark
from graphdiag.render.html.page import View, page
from graphdiag.render.html.text import pick, text
from graphdiag.render.text.check import about, verdict
from graphdiag.results.check_report import (
    UNREAD,
    CheckedModel,
    CheckReport,
    ContractOutcome,
    ContractStatus,
    ContractSummary,
    Link,
    Violation,
)

_VIOLATIONS_SHOWN = 20
_LINKS_SHOWN = 12
_WORDS = {ContractStatus.KEPT: "kept", ContractStatus.BROKEN: "broken", ContractStatus.UNCHECKED: "not checked"}
_ORDER = (ContractStatus.BROKEN, ContractStatus.UNCHECKED, ContractStatus.KEPT)
"""What needs attention comes first."""


def to_html(report: CheckReport, _: PictureStyle | None = None) -> str:
    """The check report as a page.

    Args:
        report: The report.

    Returns:
        HTML, as of `graphdiag.render.html.to_html`. What breaks a contract can be clicked, and lights up in its model's
        pictures.
    """
    views = _Views(report)
    ordered = sorted(report.contracts, key=lambda contract: _ORDER.index(contract.status))
    names = "".join(map(_name, ordered))
    why = "".join(_why(contract, views) for contract in ordered)
    reasons = f'<ul class="why">{why}</ul>' if why else ""
    models = "".join(_model(model, views) for model in report.models)
    accepted = ""
    if report.accepted or report.removed:
        accepted = (
            f"<p>{text(report.baseline)}: {len(report.accepted):,} accepted findings, "
            f"{len(report.removed):,} that are there no longer.</p>"
        )
    index = (
        f'<div class="index"><section aria-label="Contracts"><h2>Contracts</h2><ul class="names">{names}</ul>'
        f"{reasons}{accepted}</section>"
        f'<nav aria-label="Models"><h2>Models</h2><ul>{models}</ul></nav></div>'
    )
    return page(f"graphdiag check: {report.config}", verdict(report), index, views.all())


class _Views:
    """The models that could be compared, and what is marked in each: filled while the index is written."""

    def __init__(self, report: CheckReport) -> None:
        self._models = [model for model in report.models if model.report is not None]
        self.numbers: Mapping[str, int] = {model.name: number for number, model in enumerate(self._models)}
        self._marks: list[list[Mapping[str, object]]] = [[] for _ in self._models]

    def button(self, contract: str, outcome: ContractOutcome, violation: Violation) -> str:
        """What breaks a contract, as a button that shows it in its model's pictures."""
        finding = violation.finding
        said = text(f"{finding.code} {finding.rule}" if finding else violation.message)
        number = self.numbers.get(outcome.model)
        report = None if number is None else self._models[number].report
        edges = [(link.source, link.target) for link in violation.chain]
        if finding:
            edges += finding.edges
        if number is None or report is None or not edges:
            return said
        title = contract if finding else f"{contract}: {violation.message}"
        self._marks[number].append(mark(report, title, "broken", edges))
        return pick(number, len(report.findings) + len(self._marks[number]) - 1, said)

    def all(self) -> list[View]:
        """What the page shows."""
        return [
            View(model.name, model.report, marks)
            for model, marks in zip(self._models, self._marks, strict=True)
            if model.report is not None
        ]


def _model(model: CheckedModel, views: _Views) -> str:
    where = f" <small>{text(model.source)}</small>" if model.source != model.name else ""
    number = views.numbers.get(model.name)
    if number is None:
        return f'<li class="unread">{text(model.name)}{where}: {text(model.error)}</li>'
    where += f" <small>{text(about(model).removeprefix(f'{model.source}: '))}</small>"
    return (
        f'<li><button type="button" class="choose act" aria-pressed="false" data-model="{number}">{text(model.name)}'
        f"</button>{where}</li>"
    )


def _name(contract: ContractSummary) -> str:
    return (
        f'<li class="contract {contract.status.value}"><b>{_WORDS[contract.status]}</b> {text(contract.name)} '
        f"<small>{text(contract.type)}</small></li>"
    )


def _why(contract: ContractSummary, views: _Views) -> str:
    """Why a contract is not kept; empty for one that is."""
    why = "".join(_outcome(contract, outcome, views) for outcome in contract.outcomes)
    return f"<li><b>{text(contract.name)}</b><ul>{why}</ul></li>" if why else ""


def _outcome(contract: ContractSummary, outcome: ContractOutcome, views: _Views) -> str:
    """Why a contract is not kept on a model; why a model could not be read stands with the models."""
    on = f"{text(outcome.model)}: " if len(contract.outcomes) > 1 else ""
    if outcome.status is ContractStatus.UNCHECKED and outcome.reason != UNREAD:
        return f"<li>{on}{text(outcome.reason)}</li>"
    items = []
    for violation in outcome.violations[:_VIOLATIONS_SHOWN]:
        chain = _chain(violation.chain)
        items.append(f"<li>{on}{views.button(contract.name, outcome, violation)}{chain}</li>")
    more = len(outcome.violations) - _VIOLATIONS_SHOWN
    if more > 0:
        items.append(f"<li>{on}and {more:,} more; <code>--format json</code> has all.</li>")
    return "".join(items)


def _chain(chain: Sequence[Link]) -> str:
    """The nodes of a path; where Keras has no such edge, the ops that show it."""
    if not chain:
        return ""
    steps = [f"<code>{text(chain[0].source)}</code>", *map(_step, chain)]
    half = _LINKS_SHOWN // 2
    left_out = len(steps) - _LINKS_SHOWN
    if left_out > 0:
        steps[half : half + left_out] = [f"{left_out:,} more"]
    return f'<p class="chain">{" → ".join(steps)}</p>'


def _step(link: Link) -> str:
    if link.known:
        return f"<code>{text(link.target)}</code>"
    ops = " → ".join(f"<code>{text(name)}</code> ({text(type_)})" for name, type_ in link.ops)
    shown = f": {ops}" if ops else ""
    return f"<code>{text(link.target)}</code> <em>(Keras has no such edge{shown})</em>"
