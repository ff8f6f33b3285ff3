from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from graphdiag.errors import SourceError
from graphdiag.sources.records import read_records
from tests.sources.event_files import LOGS, crc32c, masked, record, split_records

CONTENT = record(b"first") + record(b"") + record(b"third record")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.out.tfevents.1.host"


def read(file: Path, content: bytes) -> list[bytes]:
    file.write_bytes(content)
    return list(read_records(file))


def test_the_tests_own_checksum_is_crc32c() -> None:
    # The check value of CRC-32C in the catalog of parametrized CRC algorithms.
    assert crc32c(b"123456789") == 0xE3069283


def test_records_come_whole_and_in_order(file: Path) -> None:
    assert read(file, CONTENT) == [b"first", b"", b"third record"]
    assert read(file, b"") == []


@pytest.mark.parametrize("log", sorted(LOGS.glob("*/*tfevents*")), ids=lambda path: path.parent.name)
def test_logs_written_by_tensorflow_pass_their_checksums(log: Path) -> None:
    assert list(read_records(log)) == split_records(log.read_bytes())


def test_a_file_cut_anywhere_within_a_record_is_read_up_to_there(file: Path) -> None:
    starts = [0, len(record(b"first")), len(record(b"first") + record(b""))]
    for end in range(1, len(CONTENT)):
        whole = sum(start <= end for start in starts) - 1
        if end in starts:
            assert len(read(file, CONTENT[:end])) == whole
            continue
        file.write_bytes(CONTENT[:end])
        notes: list[str] = []
        assert list(read_records(file, notes.append)) == [b"first", b"", b"third record"][:whole]
        [note] = notes
        assert f"is truncated: record {whole + 1}, at byte {starts[whole]}," in note
        assert ["there is no record before", "1 whole record before", "2 whole records before"][whole] in note


def test_every_flipped_bit_is_found(file: Path) -> None:
    for position in range(len(CONTENT)):
        for bit in range(8):
            damaged = bytearray(CONTENT)
            damaged[position] ^= 1 << bit
            with pytest.raises(SourceError, match=r"does not match its checksum|is not a TensorBoard event file"):
                read(file, bytes(damaged))


def test_a_damaged_record_is_told_with_its_place(file: Path) -> None:
    damaged = bytearray(CONTENT)
    damaged[-6] ^= 1
    with pytest.raises(SourceError, match=r"the data of record 3, at byte 37, .* \(2 good records before it\)"):
        read(file, bytes(damaged))


def test_a_length_beyond_the_file_is_truncation_and_not_an_allocation(file: Path) -> None:
    length = struct.pack("<Q", 2**63)
    notes: list[str] = []
    file.write_bytes(length + masked(length) + b"x")
    assert list(read_records(file, notes.append)) == []
    assert "is truncated: record 1, at byte 0," in notes[0]


def test_a_record_larger_than_any_event_is_not_read(file: Path) -> None:
    length = struct.pack("<Q", 2**31)
    with file.open("wb") as sparse:
        sparse.write(record(b"first") + length + masked(length))
        sparse.truncate(2**31 + 100)
    with pytest.raises(SourceError, match=r"record 2, at byte 21, has 2,147,483,648 bytes"):
        list(read_records(file))


def test_another_kind_of_file_is_no_event_file(file: Path) -> None:
    with pytest.raises(SourceError, match="is not a TensorBoard event file"):
        read(file, b"Plain text, longer than a record's header.\n")


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="absent cannot be read: No such file"):
        list(read_records(tmp_path / "absent"))


def test_without_the_c_extension_records_are_still_read_and_checked(file: Path) -> None:
    file.write_bytes(CONTENT)
    script = f"""
import sys
from pathlib import Path
sys.modules["google_crc32c._crc32c"] = None
from graphdiag.errors import SourceError
from graphdiag.sources.records import read_records
file = Path({str(file)!r})
print(len(list(read_records(file))))
file.write_bytes(file.read_bytes()[:-1] + b"x")
try:
    list(read_records(file))
except SourceError as error:
    print("refused")
import google_crc32c
print(google_crc32c.implementation)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.stdout.split() == ["3", "refused", "python"]
    assert done.stderr == ""
