from __future__ import annotations

from collections.abc import Callable

import pytest

from graphdiag import tensorboard


@pytest.mark.parametrize(
    ("installed", "newer"),
    [
        ("2.21.0", None),
        ("2.21.3", None),
        ("2.9.1", None),
        ("2.22.0", "2.22.0"),
        ("2.22.0a0", "2.22.0a0"),
        ("3.0", "3.0"),
    ],
)
def test_a_newer_tensorboard_is_told(monkeypatch: pytest.MonkeyPatch, installed: str, newer: str | None) -> None:
    monkeypatch.setattr("tensorboard.version.VERSION", installed)
    assert tensorboard.newer_than_checked() == newer


def test_drawing_loads_neither_tensorflow_nor_the_server(run_python: Callable[[str], str]) -> None:
    script = """
import sys
from pathlib import Path
from graphdiag.sources.event_log import open_event_log
from graphdiag.tensorboard import draw, newer_than_checked
draw(open_event_log(Path("fixtures/logs/tf22_reference")).graph_defs)
newer_than_checked()
print([name for name in ("tensorflow", "keras", "tensorboard.backend", "tensorboard.program") if name in sys.modules])
"""
    assert run_python(script).strip() == "[]"
