"""``no-findings``: kept, broken, and misconfigured."""

from __future__ import annotations

import pytest

from graphdiag.errors import ConfigError
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages
from tests.support.reports import report_on


def test_artifacts_are_no_errors():
    assert judged(report_on("keras216_reference"), "no-findings").status is ContractStatus.KEPT


@pytest.mark.parametrize(
    ("severity", "codes"),
    [("error", ["GD301"]), ("warning", ["GD301", "GD101"]), ("note", ["GD301", "GD101", "GD111"])],
)
def test_findings_at_or_above_a_severity(severity, codes):
    outcome = judged(report_on("keras216_hidden_tensor"), "no-findings", severity=severity)
    assert outcome.status is ContractStatus.BROKEN
    assert [violation.finding.code for violation in outcome.violations] == codes
    assert messages(outcome)[0].startswith(
        "GD301 hidden-dependency: 1 drawn layer edge from gate/Sigmoid carries activations"
    )


def test_misconfigured():
    with pytest.raises(ConfigError) as caught:
        judged(report_on("keras216_hidden_tensor"), "no-findings", severity="errors")
    assert str(caught.value) == (
        "c.toml: severity: must be one of error, warning, note, and is 'errors'; the nearest is 'error'."
    )
