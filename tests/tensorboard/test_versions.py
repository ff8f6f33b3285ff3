from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

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
def test_a_newer_tensorboard_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: str, newer: str | None
) -> None:
    place = tmp_path / f"tensorboard-{installed}.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tensorboard\nVersion: {installed}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
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
