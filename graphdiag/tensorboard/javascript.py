"""What JavaScript does differently from Python, where it changes the picture.

TensorBoard's page keeps its tables in plain JavaScript objects and sorts with JavaScript's order. The rules are
ECMAScript's own: the order of an object's keys (OrdinaryOwnPropertyKeys), the properties that every object inherits
(Object.prototype), the order of strings (UTF-16 code units), and how a number is written (Number::toString).
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from graphdiag.tensorboard.merge import UndrawableGraphError

OBJECT_PROPERTIES = frozenset(
    (
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
    )
)
"""Names that look present in every object: TensorBoard fails when one is the whole name of an op or a scope."""

_LARGEST_INTEGER_KEY = 2**32 - 2


def fails_on(what: str, name: str) -> UndrawableGraphError:
    """The error for a name out of `OBJECT_PROPERTIES`; ``what`` says what is called so."""
    return UndrawableGraphError(
        f"TensorBoard fails on this graph: the {what} {name!r} is also a property of every JavaScript object; "
        "rename it to see a graph"
    )


def key_order(names: Collection[str]) -> list[str]:
    """The order in which a JavaScript object with these keys lists them: integers ascending, then as they came."""
    integers = [name for name in names if name[:1].isdecimal() and _is_integer_key(name)]
    if not integers:
        return list(names)
    first = set(integers)
    return [*sorted(integers, key=int), *(name for name in names if name not in first)]


def _is_integer_key(name: str) -> bool:
    return name.isascii() and name.isdecimal() and str(int(name)) == name and int(name) <= _LARGEST_INTEGER_KEY


def last_in_sort_order(names: Collection[str]) -> str:
    """The name that JavaScript's default sort puts last; there must be one."""
    largest = max(names)
    # Code points and UTF-16 code units give one order below U+E000.
    if largest.isascii():
        return largest
    return max(names, key=lambda name: name.encode("utf-16-be"))


def number_text(number: float) -> str:
    """A whole number that is not negative, as JavaScript writes it: ``7``, ``12345678901234567000``, ``1e+21``."""
    if number == float("inf"):
        return "Infinity"
    if number < 1e21:
        return str(int(Decimal(repr(number))))
    return repr(number)
