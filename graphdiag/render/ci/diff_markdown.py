"""What changed, as a comment on a pull request: the answer, the two graphs, and the changes folded by sort."""

from __future__ import annotations

from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.summary import Section, headline, notes, sections
from graphdiag.picture_style import PictureStyle
from graphdiag.render.ci.markdown import LIMIT
from graphdiag.render.ci.markdown_text import code, folded, prose, size, table
from graphdiag.render.text.diff import sides

_LINES = 40
_UNFOLDED = 8


def to_markdown(diff: Diff, _: PictureStyle | None = None) -> str:
    """The changes as GitHub-flavored Markdown of less than `graphdiag.render.ci.markdown.LIMIT` bytes."""
    rows = [[word, code(title, True), what] for word, title, what in sides(diff)]
    parts = ["### graphdiag", prose(headline(diff)), "\n".join(table(["", "source", "graph"], rows))]
    left_out = []
    for section in sections(diff, _LINES):
        text = _section(section)
        if size("\n\n".join([*parts, text])) < LIMIT - 500:
            parts.append(text)
        else:
            left_out.append(section.title)
    parts += [prose(f"Note: {note}") for note in notes(diff)]
    if left_out:
        parts.append(f"Left out to stay below 60 kB: {' and '.join(left_out)}. `--format json` has all.")
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> str:
    """The lines as a list; a long one folded."""
    lines = [f"- {prose(line)}" for line in section.lines]
    if section.more:
        lines.append(f"- and {section.more:,} more (`--format json` has all)")
    if len(lines) > _UNFOLDED:
        return folded(section.title, f": {len(section.lines) + section.more:,}", ["\n".join(lines)])
    return "\n".join([f"**{section.title}**", "", *lines])
