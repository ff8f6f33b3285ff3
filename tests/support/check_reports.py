"""A check report of two models and two broken contracts."""

from __future__ import annotations

from graphdiag.results.check_report import CheckedModel, CheckReport, ContractOutcome, ContractStatus, Link, Violation
from tests.support.reports import report_on


def checked(name: str = "two hops") -> CheckReport:
    """A finding breaks one contract on both models, and a chain the other on the first; a third model is not there.

    Args:
        name: What the second model is called.
    """
    reports = {"reference": report_on("keras216_reference"), name: report_on("keras216_hidden_two_hops")}
    outcomes = [
        ContractOutcome(
            "no findings",
            "no-findings",
            model,
            ContractStatus.BROKEN,
            (Violation(report.findings[0].message, finding=report.findings[0]),),
        )
        for model, report in reports.items()
    ]
    chain = (Link("aux_in", "aux_dense_0"), Link("aux_dense_0", "aux_dense_1"))
    broken = Violation("aux_in reaches aux_dense_1", chain)
    outcomes.append(ContractOutcome("apart", "forbidden", "reference", ContractStatus.BROKEN, (broken,)))
    models = [CheckedModel(model, f"{model}.py", report.to_dict()) for model, report in reports.items()]
    return CheckReport(
        "c.toml", (*models, CheckedModel("third", "third.py", error="a model that is not there")), tuple(outcomes)
    )
