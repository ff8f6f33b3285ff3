"""Words and lists that several rules share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.on_screen import is_drawn
from graphdiag.phrases import some


def edges_of(open_edges: OpenEdges) -> tuple[Pair, ...]:
    """The layer edges of some op edges, each once, sorted."""
    return tuple(sorted({pair for pair, _ in open_edges}))


class EdgeCount(int):
    """A number of layer edges, which also knows how many of them TensorBoard draws."""

    drawn: int

    def __new__(cls, number: int, drawn: int) -> EdgeCount:
        """``number`` layer edges, of which ``drawn`` are drawn."""
        made = super().__new__(cls, number)
        made.drawn = drawn
        return made


def edge_count(context: DiagnosisContext, claims: OpenEdges) -> EdgeCount:
    """The layer edges of some op edges, and how many of them are drawn.

    A layer edge is drawn if one of its op edges is: from op to op, each of which takes a tensor of the one before. What
    goes through a variable, a file or Python code is not.
    """
    drawn = context.view.drawn if context.view else None
    pairs: dict[Pair, bool] = {}
    for pair, edge in claims:
        if not pairs.get(pair):
            pairs[pair] = is_drawn(context.ops, drawn, (edge.source, *edge.through, edge.target))
    return EdgeCount(len(pairs), sum(pairs.values()))


def layer_edges(count: int, one: str = "", several: str = "") -> str:
    """``1 drawn layer edge``, ``8 drawn layer edges``, followed by what one or several of them do.

    Of an `EdgeCount`, only what TensorBoard draws is called drawn.
    """
    drawn = count.drawn if isinstance(count, EdgeCount) else count
    edges = f"{count} {'drawn ' if drawn == count else ''}layer edge{'' if count == 1 else 's'}"
    if not drawn:
        edges += f" that {'is' if count == 1 else 'are'} not drawn"
    elif drawn < count:
        edges += f" ({drawn} of them drawn)"
    return f"{edges} {one if count == 1 else several}".rstrip()


def one_for_each_culprit(
    rule: Rule,
    context: DiagnosisContext,
    claims: OpenEdges,
    message: Callable[[str, int], str],
    fix: str,
    culprit_of: Callable[[OpEdge], int] | None = None,
) -> Iterator[Found]:
    """One finding for each op that gives the tensor, whatever it feeds.

    Args:
        rule: The rule that found them.
        context: The diagnosis context.
        claims: The op edges to explain.
        message: Makes the message from the culprit's name and the number of layer edges.
        fix: What to do.
        culprit_of: Row of the op to blame for an op edge; the op that gives the tensor if not given.

    Yields:
        The findings, in the order of the op graph.
    """
    groups: dict[int, list[tuple[Pair, OpEdge]]] = defaultdict(list)
    for pair, edge in claims:
        groups[culprit_of(edge) if culprit_of else edge.source].append((pair, edge))
    for row, group in sorted(groups.items()):
        name = context.ops.names[row]
        text = message(name, edge_count(context, group))
        yield finding(rule, context, text, fix, claims=group, culprits=[name])


def one_for_all(
    rule: Rule, context: DiagnosisContext, claims: OpenEdges, message: Callable[[str, int], str], fix: str
) -> Iterator[Found]:
    """One finding for all op edges that a layer gives: see `one_for_each_culprit`."""
    groups: dict[str, list[tuple[Pair, OpEdge]]] = defaultdict(list)
    for pair, edge in claims:
        groups[pair[0]].append((pair, edge))
    for _, group in sorted(groups.items()):
        culprits = sorted({context.ops.names[edge.source] for _, edge in group})
        text = message(some(culprits), edge_count(context, group))
        yield finding(rule, context, text, fix, claims=group, culprits=culprits)


def carrying(open_edges: OpenEdges, wanted: Callable[[OpEdge], bool]) -> OpenEdges:
    """Those op edges that carry what is wanted."""
    return [(pair, edge) for pair, edge in open_edges if wanted(edge)]


def with_others_from_there(open_edges: OpenEdges, claims: OpenEdges) -> OpenEdges:
    """The claimed op edges, and all others that lead from the same op to the same layer.

    A real dependency is one cause, even where the layer also asks for the tensor's shape.
    """
    places = {(pair, edge.source) for pair, edge in claims}
    return [(pair, edge) for pair, edge in open_edges if (pair, edge.source) in places]
