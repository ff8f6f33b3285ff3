"""TFRecord framing: the records of a TensorBoard event file, read with their checksums verified, and written.

A record is the length of its data (8 bytes, little-endian), a masked CRC-32C of those 8 bytes (4 bytes), the data, and
a masked CRC-32C of the data (4 bytes); see ``tensorflow/core/lib/io/record_writer.h``.
"""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from graphdiag.errors import SourceError
from graphdiag.sources.files import LARGEST_MESSAGE, open_regular

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


def read_records(path: Path, cut_off: Callable[[str], None] | None = None, start: int = 0) -> Iterator[bytes]:
    """Read the records of one file, in order.

    A file that ends within a record is one whose writer was killed, or still writes: the records before are read, as
    TensorBoard reads them.

    Args:
        path: An event file, or any other TFRecord file that is not compressed.
        cut_off: Is told in a sentence, at the end, that the file ends within a record.
        start: The byte at which a record begins and the reading, too.

    Yields:
        The data of each record, once its checksums have been verified.

    Raises:
        SourceError: The file cannot be read, is not a regular or no record file, or fails a checksum.
    """
    checksum = _checksum()
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            position = file.seek(start)
            count = 0
            while header := file.read(_HEADER.size):
                whole = len(header) == _HEADER.size
                length, length_checksum = _HEADER.unpack(header) if whole else (0, 0)
                if whole and checksum(header[:8]) != length_checksum:
                    if position == 0:
                        raise SourceError(
                            f"{path} is not a TensorBoard event file: it does not start with a record; "
                            "give a file named like events.out.tfevents.*."
                        )
                    raise _damaged(path, "length", position, count)
                if not whole or position + _HEADER.size + length + _FOOTER.size > size:
                    if cut_off:
                        cut_off(_told(path, position, count))
                    return
                if length > LARGEST_MESSAGE:
                    raise _too_large(path, position, count, length)
                data = file.read(length)
                footer = file.read(_FOOTER.size)
                if checksum(data) != int.from_bytes(footer, "little"):
                    raise _damaged(path, "data", position, count)
                yield data
                position += framed_size(data)
                count += 1
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error


def framed(data: bytes) -> bytes:
    """One record as it stands in a file."""
    checksum = _checksum()
    length = struct.pack("<Q", len(data))
    return b"".join([length, checksum(length).to_bytes(4, "little"), data, checksum(data).to_bytes(4, "little")])


def framed_size(data: bytes) -> int:
    """Bytes that a record takes in a file."""
    return _HEADER.size + len(data) + _FOOTER.size


def starts_with_record(start: bytes) -> bool:
    """Whether a file that begins with these bytes (at least 12) begins with a record."""
    if len(start) < _HEADER.size:
        return False
    checksum = _checksum()
    return checksum(start[:8]) == int.from_bytes(start[8:12], "little")


def _told(path: Path, position: int, count: int) -> str:
    whole = f"{count} whole record{'' if count == 1 else 's'} before it {'was' if count == 1 else 'were'} read"
    return (
        f"{path} is truncated: record {count + 1}, at byte {position}, is cut off; its run was killed, or still goes "
        f"on ({whole if count else 'there is no record before it'})."
    )


def _too_large(path: Path, position: int, count: int, length: int) -> SourceError:
    return SourceError(
        f"{path} is damaged: record {count + 1}, at byte {position}, has {length:,} bytes, which no event has "
        f"({count} good records before it). Copy the file again or write the log anew."
    )


def _damaged(path: Path, part: str, position: int, count: int) -> SourceError:
    return SourceError(
        f"{path} is damaged: the {part} of record {count + 1}, at byte {position}, does not match its checksum "
        f"({count} good records before it). Copy the file again or write the log anew."
    )


@cache
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
