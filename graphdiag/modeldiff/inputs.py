"""Layers that stayed and take other tensors of the same layers: outputs, order, how often, as which argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from graphdiag.modeldiff.changes import Change, EndsChanged, InputsChanged, InputsReordered, KeysChanged
from graphdiag.modeldiff.edges import EdgeChanges
from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.snapshot import LayerRecord, TakenTensor

_TIMES = {1: "once", 2: "twice"}


def input_changes(pairing: Pairing, edges: EdgeChanges) -> Iterator[Change]:
    """Changes of what layers take, besides edges that came or went.

    Where one side records only from which layers a layer takes, only the order of these is compared.
    """
    both = pairing.old.tensors and pairing.new.tensors
    for old, new in pairing.pairs():
        before = [
            replace(tensor, source=pairing.layers[tensor.source])
            for tensor in (old.tensors if both else _sources(old))
            if (tensor.source, old.id) not in edges.removed
        ]
        after = [
            tensor for tensor in (new.tensors if both else _sources(new)) if (tensor.source, new.id) not in edges.added
        ]
        if before == after:
            continue
        phrases = list(_phrases(before, after, old.calls != new.calls))
        if phrases:
            yield InputsChanged(new.id, phrases, new.sources)
        elif Counter(before) == Counter(after):
            moved = sum(one != other for one, other in zip(before, after, strict=True))
            yield InputsReordered(new.id, new.sources, labels(new.tensors), swapped=moved == 2)


def end_changes(pairing: Pairing) -> Iterator[Change]:
    """Inputs and outputs of the model, and their keys; keys that only one side records are not compared."""
    old, new = pairing.old, pairing.new
    if tuple(pairing.layers.get(id_) for id_ in old.inputs) != new.inputs:
        yield EndsChanged("inputs", old.inputs, new.inputs)
    before = [replace(tensor, source=pairing.layers.get(tensor.source, "")) for tensor in old.output_tensors]
    both = old.tensors and new.tensors
    same = (
        tuple(before) == new.output_tensors
        if both
        else tuple(pairing.layers.get(id_) for id_ in old.outputs) == new.outputs
    )
    if not same:
        said = (
            (labels(old.output_tensors), labels(new.output_tensors)) if both and _differ_within(pairing) else ((), ())
        )
        yield EndsChanged("outputs", old.outputs, new.outputs, said)
    for which, keys, others in (
        ("inputs", old.input_keys, new.input_keys),
        ("outputs", old.output_keys, new.output_keys),
    ):
        if keys is not None and others is not None and keys != others:
            yield KeysChanged(which, keys, others)


def _differ_within(pairing: Pairing) -> bool:
    """Whether the names of the layers alone do not say what is different about the outputs."""
    return bool(pairing.old.gives or pairing.new.gives)


def labels(tensors: Iterable[TakenTensor]) -> Sequence[str]:
    """Tensors in words: the layer, which output where it is not the first one, and which call likewise."""
    tensors = list(tensors)
    calls = {tensor.source for tensor in tensors if tensor.call}
    return [_label(tensor, tensor.source in calls) for tensor in tensors]


def _label(tensor: TakenTensor, with_call: bool) -> str:
    of = f"output {tensor.output + 1} of {tensor.source}" if tensor.output else tensor.source
    return f"{of} (call {tensor.call + 1})" if with_call else of


def _sources(layer: LayerRecord) -> Sequence[TakenTensor]:
    return [TakenTensor(source) for source in layer.sources]


def _phrases(before: Sequence[TakenTensor], after: Sequence[TakenTensor], other_calls: bool) -> Iterator[str]:
    """What is taken instead of what, as goes on after the name of the layer."""
    gone, came = Counter(before) - Counter(after), Counter(after) - Counter(before)
    rest_gone, rest_came = list(gone.elements()), list(came.elements())
    for old in list(rest_gone):
        new = next((tensor for tensor in rest_came if tensor.source == old.source and _alike(old, tensor)), None)
        if new is None:
            continue
        rest_gone.remove(old)
        rest_came.remove(new)
        # Which call of a layer it is says nothing of its own where the number of calls changed.
        if not (other_calls and replace(old, at=new.at) == new):
            yield f"takes {_instead(old, new)}"
    for tensor in () if other_calls else dict.fromkeys([*rest_gone, *rest_came]):
        label = f"{labels([tensor])[0]}{_as(tensor)}"
        counts = [sum(_is_same(other, tensor) for other in side) for side in (before, after)]
        if not counts[1]:
            yield f"no longer takes {label}"
        elif not counts[0]:
            yield f"takes {label} as well"
        else:
            yield f"takes {label} {_times(counts[1])} instead of {_times(counts[0])}"


def _is_same(one: TakenTensor, other: TakenTensor) -> bool:
    """Whether two tensors are the same, given as the same argument."""
    return replace(one, at=0) == replace(other, at=0)


def _alike(old: TakenTensor, new: TakenTensor) -> bool:
    """Whether one tensor may have come in the place of another of the same layer: they differ in one respect."""
    return sum(
        (old.output != new.output, old.call != new.call, old.argument != new.argument, old.at != new.at)
    ) == 1 or (old.argument == new.argument and old.at == new.at)


def _instead(old: TakenTensor, new: TakenTensor) -> str:
    if old.argument != new.argument:
        return (
            f"{labels([new])[0]} as {new.argument or 'its first input'} instead of {old.argument or 'its first input'}"
        )
    if old.output != new.output:
        return f"output {new.output + 1} of {new.source}{_as(new)} instead of output {old.output + 1}"
    if old.call != new.call:
        return f"{_label(new, False)} of call {new.call + 1} instead of call {old.call + 1}"
    return f"{labels([new])[0]} in its call {new.at + 1} instead of call {old.at + 1}"


def _as(tensor: TakenTensor) -> str:
    return f" as {tensor.argument}" if tensor.argument else ""


def _times(count: int) -> str:
    return _TIMES.get(count, f"{count} times")
