"""The table of what each type of op gives holds what TensorFlow's registry says."""

from __future__ import annotations

from tests.conftest import ROOT
from tests.support import op_registry


def test_every_op_of_the_installed_tensorflow_is_in_the_table_as_it_is() -> None:
    table = (ROOT / "graphdiag" / "graphs" / "op_outputs.txt").read_text(encoding="utf-8").splitlines()
    registered = list(op_registry.lines())
    assert len(registered) > 1000
    assert set(registered) <= set(table)
