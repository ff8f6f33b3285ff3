"""What changed, for people at a terminal: the answer first, then the changes by sort."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.modeldiff.summary import headline, notes, sections
from graphdiag.output import plain
from graphdiag.picture_style import PictureStyle
from graphdiag.unprintable import escape_unprintable


def render(diff: Diff) -> RenderableType:
    """The changes as something rich can print.

    Args:
        diff: The changes.

    Returns:
        The answer, the two graphs, the sections, and what could not be compared.
    """
    table = Table.grid(padding=(0, 2))
    for word, title, what in sides(diff):
        table.add_row(Text(word), _text(title), Text(what))
    parts: list[RenderableType] = [_text(headline(diff), "bold"), Text(), table]
    told = sections(diff)
    parts += [Text()] * bool(told)
    for section in told:
        parts.append(Text(section.title, style="bold"))
        parts += [Padding(_text(line), (0, 0, 0, 2)) for line in section.lines]
        if section.more:
            parts.append(Padding(Text(f"and {section.more:,} more (--format json has all)", style="dim"), (0, 0, 0, 2)))
    if notes(diff):
        parts.append(Text())
    for note in notes(diff):
        labeled = Table.grid(padding=(0, 2))
        labeled.add_row(Text("note", style="dim"), _text(note))
        parts.append(labeled)
    return Group(*parts)


def to_text(diff: Diff, _: PictureStyle | None = None) -> str:
    """The changes as plain text, 100 characters wide."""
    return plain(render(diff))


def sides(diff: Diff) -> list[tuple[str, str, str]]:
    """For each of the two graphs: ``old`` or ``new``, what the user calls it, and its sizes with their differences."""
    sizes = _sizes(diff.old), _sizes(diff.new)
    old = [f"{number:,} {what}" for what, number in sizes[0].items()]
    new = [f"{number:,} {what}{_more(number, sizes[0].get(what))}" for what, number in sizes[1].items()]
    return [("old", diff.titles[0], ", ".join(old)), ("new", diff.titles[1], ", ".join(new))]


def _sizes(side: Snapshot) -> dict[str, int]:
    """How many there are of what, as far as it is recorded."""
    layers = "name scopes" if side.by_scope else "layers"
    sizes = {layers: len(side.layers), "edges": sum(1 for _ in side.edges), "parameters": side.parameters}
    sizes["ops"] = None if side.ops is None else side.total_ops
    return {what: number for what, number in sizes.items() if number is not None}


def _more(new: int, old: int | None) -> str:
    """`` (+3)``."""
    return "" if old is None or old == new else f" ({new - old:+,})"


def _text(words: str, style: str = "") -> Text:
    return Text(escape_unprintable(words), style=style, overflow="fold")
