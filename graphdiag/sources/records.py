"""TFRecord framing: the records of a TensorBoard event file, each with its checksums verified.

A record is the length of its data (8 bytes, little-endian), a masked CRC-32C of those 8 bytes (4 bytes), the data, and
a masked CRC-32C of the data (4 bytes); see ``tensorflow/core/lib/io/record_writer.h``.
"""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from graphdiag.errors import SourceError

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


def read_records(path: Path) -> Iterator[bytes]:
    """Read the records of one file, in order.

    Args:
        path: An event file, or any other TFRecord file that is not compressed.

    Yields:
        The data of each record, once its checksums have been verified.

    Raises:
        SourceError: The file cannot be read, is no record file, ends within a record, or fails a checksum.
    """
    checksum = _checksum()
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            position = 0
            count = 0
            while header := file.read(_HEADER.size):
                if len(header) < _HEADER.size:
                    raise _truncated(path, position, count)
                length, length_checksum = _HEADER.unpack(header)
                if checksum(header[:8]) != length_checksum:
                    if count == 0:
                        raise SourceError(
                            f"{path} is no TensorBoard event file: it does not start with a record; "
                            "give a file named like events.out.tfevents.*."
                        )
                    raise _damaged(path, "length", position, count)
                if position + _HEADER.size + length + _FOOTER.size > size:
                    raise _truncated(path, position, count)
                data = file.read(length)
                footer = file.read(_FOOTER.size)
                if len(data) < length or len(footer) < _FOOTER.size:
                    raise _truncated(path, position, count)
                if checksum(data) != _FOOTER.unpack(footer)[0]:
                    raise _damaged(path, "data", position, count)
                yield data
                position += _HEADER.size + length + _FOOTER.size
                count += 1
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error


def starts_with_record(start: bytes) -> bool:
    """Whether a file that begins with these bytes (at least 12) begins with a record."""
    if len(start) < _HEADER.size:
        return False
    checksum = _checksum()
    return checksum(start[:8]) == int.from_bytes(start[8:12], "little")


def _truncated(path: Path, position: int, count: int) -> SourceError:
    return SourceError(
        f"{path} is truncated: record {count + 1}, at byte {position}, is cut off ({count} whole records before it). "
        "If the log is still being written, wait for its writer to finish; if it was copied, copy it again."
    )


def _damaged(path: Path, part: str, position: int, count: int) -> SourceError:
    return SourceError(
        f"{path} is damaged: the {part} of record {count + 1}, at byte {position}, does not match its checksum "
        f"({count} good records before it). Copy the file again or write the log anew."
    )


def _checksum() -> Callable[[bytes], int]:
    """The masked CRC-32C: rotated right by 15 bits, plus a constant, as ``tensorflow/core/lib/hash/crc32c.h`` says."""
    with warnings.catch_warnings():
        # Without its C extension the package works and warns that it is slow; that is no news for the user of a log.
        warnings.simplefilter("ignore", RuntimeWarning)
        import google_crc32c

    value: Callable[[bytes], int] = google_crc32c.value

    def masked(data: bytes) -> int:
        crc = value(data)
        return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

    return masked
