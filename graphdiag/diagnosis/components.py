"""Strongly connected components of a small graph; importing networkx for them takes longer than most comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def cyclic_components(arrows: Iterable[tuple[int, int]]) -> Sequence[Sequence[int]]:
    """The strongly connected components of more than one node.

    Tarjan's algorithm, without recursion.

    Args:
        arrows: Both ends of each arrow.

    Returns:
        The nodes of each component, sorted; the components, sorted.
    """
    onward: dict[int, list[int]] = {}
    for source, target in arrows:
        onward.setdefault(source, []).append(target)
        onward.setdefault(target, [])
    number: dict[int, int] = {}
    lowest: dict[int, int] = {}
    open_nodes: list[int] = []
    is_open: set[int] = set()
    found = []
    path: list[tuple[int, Iterator[int]]] = []

    def enter(node: int) -> None:
        number[node] = lowest[node] = len(number)
        open_nodes.append(node)
        is_open.add(node)
        path.append((node, iter(onward[node])))

    for start in onward:
        if start not in number:
            enter(start)
        while path:
            node, targets = path[-1]
            for target in targets:
                if target not in number:
                    enter(target)
                    break
                if target in is_open:
                    lowest[node] = min(lowest[node], number[target])
            else:
                path.pop()
                if path:
                    around = path[-1][0]
                    lowest[around] = min(lowest[around], lowest[node])
                if lowest[node] == number[node]:
                    component = [open_nodes.pop()]
                    while component[-1] != node:
                        component.append(open_nodes.pop())
                    is_open.difference_update(component)
                    if len(component) > 1:
                        found.append(sorted(component))
    return sorted(found)
