"""The process that reads HDF5: whatever becomes of libhdf5 in it ends in one error."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdiag.errors import SourceError
from graphdiag.sources import hdf5

CRASHES = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
COMPUTES = "while True:\n    pass"
WAITS = "import time\ntime.sleep(600)"
GROWS = "held = bytearray(8 << 30)"
EXITS = "raise SystemExit(3)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "model.h5"
    place.write_bytes(b"\x89HDF\r\n\x1a\n")
    return place


def use_as_h5py(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "h5py.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("text", "what"), [(CRASHES, "reading it ended with SIGSEGV"), (GROWS, "MemoryError"), (EXITS, "exit status 3")]
)
def test_what_ends_the_process(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, what: str
) -> None:
    use_as_h5py(text, tmp_path, monkeypatch)
    with pytest.raises(SourceError, match=f"model.h5 is a damaged HDF5 file: .*{what}.*; save the model again"):
        hdf5.read_hdf5(file)


@pytest.mark.parametrize("text", [COMPUTES, WAITS])
def test_what_never_ends(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    use_as_h5py(text, tmp_path, monkeypatch)
    monkeypatch.setattr(hdf5, "_SECONDS", 1)
    with pytest.raises(SourceError, match=r"reading it (takes more than 1 s|does not end); save the model again"):
        hdf5.read_hdf5(file)
