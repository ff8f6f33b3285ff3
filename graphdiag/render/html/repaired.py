"""What the page shows of a repair: the drawn graph of the same ops under better names, tied to the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdiag.errors import GraphdiagError
from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.results.report import Report

if TYPE_CHECKING:
    from graphdiag.repairing.repair import Repair

_SAVED = (
    "A saved report does not hold the repaired graph. graphdiag compare SOURCE --format html "
    "-o FILE shows it, made from the source, and graphdiag repair SOURCE -o LOGDIR writes it for TensorBoard."
)


@dataclass(frozen=True)
class RepairedView:
    """The repaired graph on the page.

    Attributes:
        drawn: What TensorBoard draws of it; ``None`` where it could not be made.
        boxes: The box of each layer and nested model, by id.
        ops: Rows of the boxes that show the ops of the report's op graph, by the ops' names there.
        why: Why it could not be made.
    """

    drawn: DrawnGraph | None = None
    boxes: Mapping[str, str] | None = None
    ops: Mapping[str, int] | None = None
    why: str = ""

    def rows_of(self, layers: Sequence[str]) -> list[int]:
        """Row of each layer's box, -1 for none."""
        if self.drawn is None or self.boxes is None:
            return []
        index = self.drawn.index
        return [index.get(self.boxes.get(layer, ""), -1) for layer in layers]


def repaired_view(report: Report) -> RepairedView | None:
    """Repair the graph of a report for its page.

    Args:
        report: The report.

    Returns:
        The repaired graph, or why there is none; ``None`` where there is no op graph to repair.
    """
    if report.op_graph is None or not len(report.op_graph):
        return None
    if report.opened is None:
        return RepairedView(why=_SAVED)
    from graphdiag.repairing.repair import repair_opened

    try:
        return _shown(repair_opened(report.opened, report.opened.layer_graph))
    except GraphdiagError as error:
        return RepairedView(why=str(error))


def _shown(repair: Repair) -> RepairedView:
    assert repair.graph_def is not None
    assert repair.after is not None
    rows = dict(zip((node.name for node in repair.graph_def.node), repair.after.op_rows.tolist(), strict=False))
    return RepairedView(repair.after, repair.boxes, {old: rows[new] for old, new in repair.names.items()})
