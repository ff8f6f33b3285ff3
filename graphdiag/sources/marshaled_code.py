"""A hash of what marshaled Python code does, read without running it.

Keras records a ``Lambda`` as ``marshal`` writes the code of its function: with the file and the line where it stands,
which differ between machines and from edit to edit. The hash leaves them out. `marshal.loads` is not used, because it
may crash on a damaged file. The format is that of ``Python/marshal.c``; the order of a code object's fields is that of
CPython 3.6 to 3.14.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from typing import Any

_CODE_FIELDS: Sequence[tuple[int, Sequence[str]]] = (
    # Number of leading integers, then the objects; an integer among them is written ``#``.
    (5, ("code", "consts", "names", "locals", "-kinds", "-file", "-name", "-qualname", "#", "-lines", "exceptions")),
    (6, ("code", "consts", "names", "varnames", "freevars", "cellvars", "-file", "-name", "#", "-lines")),
    (5, ("code", "consts", "names", "varnames", "freevars", "cellvars", "-file", "-name", "#", "-lines")),
)
"""CPython 3.11 on, 3.8 to 3.10, and 3.6 and 3.7. What begins with ``-`` says only where the code stands."""
_DEEPEST = 100
_CONSTANTS = {b"N": "None", b"F": "False", b"T": "True", b".": "...", b"S": "StopIteration", b"0": "NULL"}


def code_digest(text: str) -> str:
    """A hash of code.

    Args:
        text: What ``marshal.dumps`` gave, in Base64, as Keras writes it.

    Returns:
        16 hexadecimal digits. Where the format is not known, the hash of the text as it is.
    """
    try:
        data = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        data = b""
    for fields in _CODE_FIELDS:
        try:
            reader = _Reader(data, fields)
            digest = reader.read()
        except (IndexError, ValueError, struct.error, UnicodeDecodeError):
            continue
        if reader.at_end:
            return digest
    return _hash(text)


def _hash(text: str) -> str:
    # Few models have code in them, and OpenSSL takes long to load.
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


class _Reader:
    """Reads one object into a hash, so that what refers to the same part again and again stays small."""

    def __init__(self, data: bytes, fields: tuple[int, Sequence[str]]) -> None:
        self._data, self._fields = data, fields
        self._at = 0
        self._depth = 0
        self._refs: list[str] = []

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data) > 0

    def read(self) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("too deep")
        flagged = self._take(1)[0]
        kind = bytes([flagged & 0x7F])
        slot = len(self._refs) if flagged & 0x80 else None
        if slot is not None:
            self._refs.append("")
        value = _hash(repr(self._value(kind)))
        if slot is not None:
            self._refs[slot] = value
        self._depth -= 1
        return value

    def _value(self, kind: bytes) -> Any:
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == b"i":
            return self._int()
        if kind == b"l":
            digits = self._int()
            return "long", digits, self._take(2 * abs(digits))
        if kind in (b"g", b"y"):
            return "float", self._take(8 if kind == b"g" else 16)
        if kind in (b"s", b"t", b"u", b"a", b"A"):
            return self._take(self._int())
        if kind in (b"z", b"Z"):
            return self._take(self._take(1)[0])
        if kind == b"r":
            return self._refs[self._int()]
        if kind in (b"(", b"[", b"<", b">", b")"):
            count = self._take(1)[0] if kind == b")" else self._int()
            if not 0 <= count <= len(self._data):
                raise ValueError("a count that cannot be")
            return kind.replace(b")", b"("), [self.read() for _ in range(count)]
        if kind == b":":
            return "slice", [self.read() for _ in range(3)]
        if kind == b"c":
            return self._code()
        raise ValueError("an unknown kind of object")

    def _code(self) -> Any:
        count, names = self._fields
        found: list[Any] = [self._int() for _ in range(count)]
        for name in names:
            value = self._int() if name == "#" else self.read()
            if name != "#" and not name.startswith("-"):
                found.append(value)
        return "code", found

    def _int(self) -> int:
        [value] = struct.unpack("<i", self._take(4))
        return int(value)

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if count < 0 or end > len(self._data):
            raise ValueError("cut short")
        taken = self._data[self._at : end]
        self._at = end
        return taken
