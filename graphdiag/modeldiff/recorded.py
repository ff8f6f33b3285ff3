"""What could not be compared: because one side does not record it, or neither does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.snapshot import LayerRecord
from graphdiag.phrases import counted, some

_PACKAGE = re.compile(r"(tf_keras|Keras|TensorFlow) ([0-9][^ ,)]*)")


def not_compared(pairing: Pairing) -> Sequence[str]:
    """What was not compared, in sentences; empty where everything was."""
    return [
        sentence
        for look in (_tensors, _keys, _layer_facts, _calls_of_models, _code, _ops)
        for sentence in look(pairing)
    ]


def stacks(pairing: Pairing) -> Sequence[str]:
    """That the two were made by other versions of Keras or TensorFlow, or looked at by another graphdiag."""
    old, new = _versions(pairing.old.stack), _versions(pairing.new.stack)
    found = []
    keras = [next((name for name in ("tf_keras", "Keras") if name in side), "") for side in (old, new)]
    for package in ("Keras", "TensorFlow"):
        names = keras if package == "Keras" else [package, package]
        before, after = (side.get(name) for side, name in zip((old, new), names, strict=True))
        if before and after and not (names[0] == names[1] and _may_be_one(before, after)):
            found.append(f"{names[0]} {before} -> {names[1]} {after}")
    if not found:
        return []
    return [f"The two were made by different stacks: {' and '.join(found)}."]


def _may_be_one(version: str, other: str) -> bool:
    """Whether two versions differ only in that one is told more exactly: an op graph tells ``2.21`` of ``2.21.0``."""
    parts, others = version.split("."), other.split(".")
    return all(one == two for one, two in zip(parts, others, strict=False))


def _versions(stack: str) -> dict[str, str]:
    return {match[1]: match[2] for match in _PACKAGE.finditer(stack)}


def _which(old: bool, new: bool) -> str:
    """Who lacks something that the two have or have not."""
    return "Neither OLD nor NEW records" if not old and not new else f"{'NEW' if old else 'OLD'} does not record"


def _tensors(pairing: Pairing) -> Iterator[str]:
    old, new = pairing.old, pairing.new
    if not (old.tensors and new.tensors) and not old.by_scope:
        yield (
            f"{_which(old.tensors, new.tensors)} which tensors layers take, only from which layers they come, so "
            "outputs, arguments and how often a layer is taken were not compared."
        )


def _keys(pairing: Pairing) -> Iterator[str]:
    """The keys of inputs and outputs, where they are not recorded on both sides."""
    old, new = ((side.input_keys, side.output_keys) for side in (pairing.old, pairing.new))
    if (None in old or None in new) and not pairing.old.by_scope:
        yield (
            f"{_which(None not in old, None not in new)} the keys of the model's inputs and outputs, so they were not "
            "compared."
        )


def _layer_facts(pairing: Pairing) -> Iterator[str]:
    if pairing.old.by_scope:
        yield "Name scopes stand for layers, so settings, output shapes and parameters were not compared."
        return
    facts: tuple[tuple[str, Callable[[LayerRecord], bool]], ...] = (
        ("settings", lambda layer: layer.settings is not None),
        ("output shapes", lambda layer: layer.output_shape != ""),
        ("parameters", lambda layer: layer.parameters is not None),
    )
    for what, has in facts:
        sides = [any(has(layer) for layer in side.layers.values()) for side in (pairing.old, pairing.new)]
        if not all(sides) and (pairing.old.layers or pairing.new.layers):
            yield f"{_which(sides[0], sides[1])} any {what}, so {what} were not compared."
        elif lacking := [new.id for old, new in pairing.pairs() if not (has(old) and has(new))]:
            yield f"The {what} of {_named(lacking)} are not recorded on both sides, and were not compared."


def _calls_of_models(pairing: Pairing) -> Iterator[str]:
    """What nested models are called with, where it is not recorded on both sides."""
    lacking = [new.id for old, new in pairing.nested_pairs() if old.settings is None or new.settings is None]
    # Where no layer has settings, that is said.
    sides = (pairing.old, pairing.new)
    if lacking and all(any(layer.settings is not None for layer in side.layers.values()) for side in sides):
        named = some(lacking) if len(lacking) <= 4 else counted(len(lacking), "nested model")
        yield f"What {named} is called with besides tensors is not recorded on both sides, and was not compared."


def _code(pairing: Pairing) -> Iterator[str]:
    """The user's own code, where it is not recorded on both sides."""
    lacking = [
        new.id
        for old, new in pairing.pairs()
        if old.settings is not None
        and new.settings is not None
        and any("code" in settings and settings["code"] is None for settings in (old.settings, new.settings))
    ]
    if lacking:
        yield f"The code of {_named(lacking)} is not recorded on both sides, and was not compared."


def _ops(pairing: Pairing) -> Iterator[str]:
    old, new = pairing.old.ops is not None, pairing.new.ops is not None
    if old and new:
        return
    if old or new:
        yield f"{'NEW' if old else 'OLD'} has no op graph, so ops and findings were not compared."
    else:
        yield "Neither OLD nor NEW has an op graph, so ops were not compared."


def _named(ids: Sequence[str]) -> str:
    return some(ids) if len(ids) <= 4 else f"{counted(len(ids), 'layer')}, {ids[0]} the first of them,"
