"""Sets of layers, as a contract names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphdiag.checking.contracts.options import Place, nearest, text
from graphdiag.errors import ConfigError

_REGEX = "re:"
_CLASS = "class:"
_WILD = re.compile(r"\*\*|\*|\?|\[!?[^\[\]]+\]")


@dataclass(frozen=True)
class Node:
    """What a pattern may match.

    Attributes:
        id: Id of a layer, or name of a node of the drawn graph.
        class_name: Keras class of the layer, as ``Conv1D``.
        models: Ids of the nested models that hold it, outermost first.
    """

    id: str
    class_name: str = ""
    models: tuple[str, ...] = ()


Nodes = Mapping[str, Node]


@dataclass(frozen=True)
class LayerSet:
    """A set of layers.

    Attributes:
        entries: What is in it. Each entry is one of:

            - a layer's id: ``conv1d_0``, or ``encoder/dense`` for one in a nested model;
            - the id of a nested model, which stands for all layers in it; so does ``encoder/**``;
            - a glob over ids: ``*`` and ``?`` stay within one part of a path, ``**`` does not, ``[0-9]`` is one
              character of these;
            - ``re:`` and a regular expression that fits the whole id;
            - ``class:`` and a Keras class, or a glob over classes.
        key: Where it stands in the configuration, for messages.
    """

    entries: tuple[str, ...]
    key: str = ""

    def among(self, nodes: Nodes) -> tuple[str, ...]:
        """Ids of the nodes that are in the set, in their order.

        Raises:
            ConfigError: An entry fits nothing; the message names what is nearest.
        """
        found: set[str] = set()
        for number, entry in enumerate(self.entries):
            matched = set(_matching(entry, nodes))
            if not matched:
                place = Place(self.key, f"[{number}]" if len(self.entries) > 1 else "")
                raise ConfigError(f"{place.where}{place.key}: {_nothing(entry, nodes)}.")
            found |= matched
        return tuple(id_ for id_ in nodes if id_ in found)

    def __str__(self) -> str:
        return ", ".join(self.entries)


def layer_set(value: Any, place: Place) -> LayerSet:
    """Read a set of layers: one entry as text, or a list of them."""
    entries = value if isinstance(value, (list, tuple)) else [value]
    if not entries:
        raise place.error("names no layer.")
    for number, entry in enumerate(entries):
        where = place.entry(number) if entries is value else place
        expression = text(entry, where).removeprefix(_REGEX)
        if expression != entry:
            try:
                re.compile(expression)
            except re.error as error:
                raise where.error(f"{entry!r} is not a regular expression: {error}.") from error
    return LayerSet(tuple(entries), place.key)


def _matching(entry: str, nodes: Nodes) -> Iterator[str]:
    if entry in nodes and not any(entry in node.models for node in nodes.values()):
        # A name may hold any character: one that is there is meant as it stands.
        yield entry
        return
    if entry.startswith(_CLASS):
        fits = _glob(entry.removeprefix(_CLASS))
        yield from (id_ for id_, node in nodes.items() if fits.fullmatch(node.class_name))
        return
    fits = re.compile(entry.removeprefix(_REGEX), re.DOTALL) if entry.startswith(_REGEX) else _glob(entry)
    in_model = {model: bool(fits.fullmatch(model)) for node in nodes.values() for model in node.models}
    in_model |= {model: True for model in in_model if model == entry}
    for id_, node in nodes.items():
        if fits.fullmatch(id_) or any(in_model[model] for model in node.models):
            yield id_


def _glob(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression."""
    parts = []
    at = 0
    for opaque in _WILD.finditer(pattern):
        parts.append(re.escape(pattern[at : opaque.start()]))
        parts.append(_AS_REGEX.get(opaque[0]) or _characters(opaque[0]))
        at = opaque.end()
    return re.compile("".join(parts) + re.escape(pattern[at:]), re.DOTALL)


_AS_REGEX = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def _characters(opaque: str) -> str:
    inside = opaque[1:-1]
    negated = inside.startswith("!")
    escaped = re.sub(r"([\\^&~|])", r"\\\1", inside.removeprefix("!"))
    try:
        re.compile(f"[{escaped}]")
    except re.error:
        # [z-a] names no characters; it is meant as it stands.
        return re.escape(opaque)
    return f"[{'^' if negated else ''}{escaped}]"


def _nothing(entry: str, nodes: Nodes) -> str:
    if entry.startswith(_CLASS):
        classes = sorted({node.class_name for node in nodes.values()})
        return (
            f"there is no layer of class {entry.removeprefix(_CLASS)!r}{nearest(entry.removeprefix(_CLASS), classes)}"
        )
    names = dict.fromkeys([*nodes, *(model for node in nodes.values() for model in node.models)])
    return f"{entry!r} matches nothing{nearest(entry.removeprefix(_REGEX), names)}"


def disjoint(sets: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Refuse sets that have a layer in common.

    Args:
        sets: For each set the key under which it stands, and its layers.

    Raises:
        ConfigError: A layer is in two of them.
    """
    seen: dict[str, str] = {}
    for key, layers in sets:
        for layer in layers:
            if layer in seen:
                raise ConfigError(f"{key}: {layer!r} is in {seen[layer]} as well; a layer can be in one of them only.")
            seen[layer] = key
