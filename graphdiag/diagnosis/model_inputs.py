"""Which feeds of an op graph are the model's inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from graphdiag.diagnosis.roles import UNOWNED
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph

FEEDS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg"})


def find_inputs(graph: OpGraph, layers: LayerGraph, of_op: np.ndarray, rows: Mapping[str, int]) -> dict[str, int]:
    """The feed of each model input; where names do not tell, the feed that goes where the input goes.

    A traced function's arguments have the names of Python arguments: ``x``, ``x_1`` and so on.

    Args:
        graph: The op graph.
        layers: The layer graph.
        of_op: Owner of each op so far; completed in place.
        rows: Row of each owner.

    Returns:
        For each input layer the row of its feed, `UNOWNED` where none was found.
    """
    inputs = list(layers.inputs) or [layer.id for layer in layers.layers.values() if layer.is_input]
    found: dict[str, int] = dict.fromkeys(inputs, UNOWNED)
    feeds = graph.rows_of_types(FEEDS.__contains__)
    by_owner = {rows[input_]: input_ for input_ in inputs}
    for row in reversed(feeds):
        owned = by_owner.get(int(of_op[row]))
        if owned is not None:
            found[owned] = row
    open_inputs = [input_ for input_ in inputs if found[input_] == UNOWNED]
    open_feeds = [
        row
        for row in feeds
        if of_op[row] == UNOWNED
        and graph.types[row] != "PlaceholderWithDefault"
        and dtype_of(graph.node_defs[row]) != DT_RESOURCE
    ]
    if not open_inputs or not open_feeds:
        return found
    goes_to = {row: _reached_owners(graph, row, of_op) for row in open_feeds}
    expected = {input_: _next_with_ops(layers, input_, of_op, rows) for input_ in open_inputs}

    def match(fits: Callable[[str, int], bool]) -> None:
        for input_ in open_inputs:
            for row in open_feeds if found[input_] == UNOWNED else ():
                if of_op[row] == UNOWNED and fits(input_, row):
                    found[input_] = row
                    of_op[row] = rows[input_]
                    break

    def same_name(input_: str, row: int) -> bool:
        return graph.names[row] == layers.layers[input_].name

    # The surest first. Names come second: an argument "x" need not be the input "x".
    match(lambda input_, row: goes_to[row] == expected[input_] and same_name(input_, row))
    match(lambda input_, row: bool(goes_to[row]) and goes_to[row] == expected[input_])
    match(lambda input_, row: bool(goes_to[row] & expected[input_]) and same_name(input_, row))
    # Where a layer hands its input on, the feed goes further than Keras's edges.
    order = sorted(
        (-len(goes_to[row] & expected[input_]), len(goes_to[row] - expected[input_]), number, place)
        for number, input_ in enumerate(open_inputs)
        for place, row in enumerate(open_feeds)
        if goes_to[row] & expected[input_]
    )
    for _, _, number, place in order:
        chosen = open_inputs[number], open_feeds[place]
        match(lambda input_, row, chosen=chosen: (input_, row) == chosen)  # type: ignore[misc]
    # A layer that makes ops in one call may hand the input on in the other.
    if list(found.values()).count(UNOWNED) == sum(of_op[row] == UNOWNED and bool(goes_to[row]) for row in open_feeds):
        further = {input_: _all_after(layers, input_, rows) for input_ in open_inputs if found[input_] == UNOWNED}
        match(lambda input_, row: bool(goes_to[row]) and goes_to[row] <= further[input_])
    return found


def _reached_owners(graph: OpGraph, row: int, of_op: np.ndarray) -> set[int]:
    """Owners that a feed reaches, directly or through unowned ops."""
    order, offsets = graph.by_source
    reached: set[int] = set()
    seen = {row}
    waiting = [row]
    while waiting:
        current = waiting.pop()
        for edge in order[offsets[current] : offsets[current + 1]].tolist():
            if graph.output[edge] == CONTROL:
                continue
            target = int(graph.target[edge])
            if of_op[target] != UNOWNED:
                reached.add(int(of_op[target]))
            elif target not in seen:
                seen.add(target)
                waiting.append(target)
    return reached


def _next_with_ops(layers: LayerGraph, input_: str, of_op: np.ndarray, rows: Mapping[str, int]) -> set[int]:
    """Rows of the layers that an input goes to, through layers that have made no op."""
    present = set(of_op.tolist())
    successors: dict[str, list[str]] = defaultdict(list)
    for source, target in layers.edges:
        successors[source].append(target)
    wanted: set[int] = set()
    seen = {input_}
    waiting = [input_]
    while waiting:
        for target in successors[waiting.pop()]:
            if target in seen:
                continue
            seen.add(target)
            if rows[target] in present:
                wanted.add(rows[target])
            else:
                waiting.append(target)
    return wanted


def _all_after(layers: LayerGraph, input_: str, rows: Mapping[str, int]) -> set[int]:
    """Rows of all layers that depend on an input."""
    successors: dict[str, list[str]] = defaultdict(list)
    for source, target in layers.edges:
        successors[source].append(target)
    seen: set[str] = set()
    waiting = [input_]
    while waiting:
        new = set(successors[waiting.pop()]) - seen
        seen |= new
        waiting += new
    return {rows[layer] for layer in seen}
