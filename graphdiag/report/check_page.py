"""The check report as one self-contained page: the verdict, the models, the contracts, and why the broken ones are."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from graphdiag.report.check_report import UNREAD, CheckReport, ContractSummary, Link, Status, Violation
from graphdiag.report.check_text import about, verdict
from graphdiag.report.visible import visible
from graphdiag.version import __version__

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-bottom: .3rem }
th { text-align: left; font-weight: 600 } th, td { padding: 0 1rem .2rem 0; vertical-align: top }
li, td, p { overflow-wrap: anywhere }
ol { list-style: none; border-left: 2px solid #8886; margin: .3rem 0 1rem; padding-left: 1rem }
li.unknown { font-weight: 600 } li code { display: block; font-weight: 400; overflow-wrap: anywhere }
.mark { border-radius: .3rem; padding: 0 .4rem; white-space: nowrap; color: #fff }
.kept { background: #1a7f37 } .broken { background: #b3261e } .unchecked { background: #7d4e00 }
"""
_WORDS = {Status.KEPT: "kept", Status.BROKEN: "broken", Status.UNCHECKED: "not checked"}


def to_html(report: CheckReport) -> str:
    """The check as a page.

    Args:
        report: The check report.

    Returns:
        HTML that asks for nothing else and runs no script.
    """
    models = "".join(f"<tr><th>{_text(model.name)}</th><td>{_text(about(model))}</td></tr>" for model in report.models)
    contracts = "".join(map(_row, report.contracts))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>graphdiag: {_text(verdict(report))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_text(verdict(report))}</h1>\n<h2>Models</h2>\n<table>{models}</table>\n"
        f"<h2>Contracts</h2>\n<table>{contracts}</table>\n"
        + "".join(_section(contract) for contract in report.contracts)
        + _baseline(report)
        + f"<footer><p>graphdiag {__version__}</p></footer>\n</body>\n</html>\n"
    )


def _row(contract: ContractSummary) -> str:
    status = contract.status
    mark = f'<span class="mark {status.value}">{_WORDS[status]}</span>'
    return f"<tr><td>{mark}</td><td>{_text(contract.name)}</td><td>{_text(contract.type)}</td></tr>"


def _section(contract: ContractSummary) -> str:
    """Why a contract is not kept; why a model could not be read stands with the models."""
    told = "".join(_why(contract))
    return f"<section><h2>{_text(contract.name)}</h2>{told}</section>\n" if told else ""


def _why(contract: ContractSummary) -> Iterator[str]:
    for judgement in contract.judgements:
        on = f"{judgement.model}: " if len(contract.judgements) > 1 else ""
        if judgement.status is Status.UNCHECKED and judgement.reason != UNREAD:
            yield f"<p>{_text(on + judgement.reason)}</p>"
        for violation in judgement.violations:
            yield f"<p>{_text(on + violation.message)}</p>{_proof(violation)}"


def _proof(violation: Violation) -> str:
    told = ""
    if violation.chain:
        steps = "".join(map(_step, violation.chain))
        told = f"<ol><li>{_text(violation.chain[0].source)}</li>{steps}</ol>"
    if violation.finding:
        edges = "".join(f"<li>{_text(f'{source} → {target}')}</li>" for source, target in violation.finding.edges)
        told += (f"<ol>{edges}</ol>" if edges else "") + f"<p>Cure: {_text(violation.finding.cure)}</p>"
    return told


def _step(link: Link) -> str:
    if link.known:
        return f"<li>→ {_text(link.target)}</li>"
    ops = " → ".join(f"{name} ({type_})" for name, type_ in link.ops)
    shown = f"<code>{_text(ops)}</code>" if ops else ""
    return f'<li class="unknown">→ {_text(link.target)} (Keras has no such edge){shown}</li>'


def _baseline(report: CheckReport) -> str:
    if not report.accepted and not report.gone:
        return ""
    return (
        f"<p>{_text(report.baseline)}: {len(report.accepted):,} accepted findings, "
        f"{len(report.gone):,} that are there no longer.</p>\n"
    )


def _text(words: str) -> str:
    return escape(visible(words))
