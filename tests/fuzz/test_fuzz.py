"""A few hundred inputs of all kinds; ``make fuzz`` runs as many as you like."""

from __future__ import annotations

from tests.fuzz import campaign
from tests.fuzz.kinds import KINDS

INPUTS = 400


def test_no_input_is_a_fault() -> None:
    found = campaign.run("tests", INPUTS)
    assert found.faults == []
    for kind in KINDS:
        # Inputs of which none is read, or none is refused, would show nothing.
        statuses = {status for name, status in found.statuses if name == kind.name}
        assert 2 in statuses, kind.name
        assert statuses & {0, 1} or kind.name == "other saved document", kind.name
