"""What changed, as one self-contained page: the answer, the changes by sort, and both graphs in one picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphdiag.errors import GraphdiagError
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.summary import Section, headline, notes, sections
from graphdiag.picture_style import STANDARD, PictureStyle
from graphdiag.render.html.fragment import STYLE
from graphdiag.render.html.plain_page import framed, plain_page
from graphdiag.render.html.text import text
from graphdiag.render.pictures.diff import describe
from graphdiag.render.pictures.dot import to_svg
from graphdiag.render.pictures.picture import Entry, Stroke
from graphdiag.render.text.diff import sides

_LINES = {Stroke.DASHED: "2px dashed", Stroke.DOTTED: "3px dotted", Stroke.HEAVY: "5px solid"}
_BORDERS = {**_LINES, Stroke.HEAVY: "6px double"}


def to_html(diff: Diff, style: PictureStyle = STANDARD) -> str:
    """The changes as a page.

    Args:
        diff: The changes.
        style: How the picture looks.

    Returns:
        HTML that makes no network requests and runs no script. Without Graphviz it has no picture, and says so.
    """
    parts = [f"<h1>{text(headline(diff))}</h1>", *_told(diff, sections(diff, None)), _picture(diff, style)]
    return plain_page(f"graphdiag: {diff.titles[0]} -> {diff.titles[1]}", parts)


def to_fragment(diff: Diff) -> str:
    """The changes as a piece of HTML without script and without a picture, for a notebook's cell.

    Args:
        diff: The changes.

    Returns:
        One ``div`` with its own style; long sections are cut, and say so.
    """
    return (
        f'<div class="graphdiag"><style>{STYLE}</style><p class="answer">{text(headline(diff))}</p>'
        + "".join(_told(diff, sections(diff)))
        + "<p class='facts'>The picture: <code>.render(\"svg\")</code></p></div>"
    )


def _told(diff: Diff, told: Iterable[Section]) -> Iterator[str]:
    """What stands below the answer: the two graphs, the sections, and what could not be compared."""
    rows = "".join(
        f"<tr><th>{word}</th><td>{text(title)}</td><td>{what}</td></tr>" for word, title, what in sides(diff)
    )
    yield f"<table>{rows}</table>"
    for section in told:
        lines = "".join(f"<li>{text(line)}</li>" for line in section.lines)
        more = f"<li>and {section.more:,} more</li>" if section.more else ""
        yield f"<section><h2>{section.title}</h2><ul>{lines}{more}</ul></section>"
    for note in notes(diff):
        yield f"<p>{text(note)}</p>"


def _picture(diff: Diff, style: PictureStyle) -> str:
    picture = describe(diff, style)
    try:
        # The page has a legend of its own, which does not scroll away with the picture.
        svg = to_svg(replace(picture, legend=()), style)
    except GraphdiagError as error:
        return f"<p>{text(str(error))}</p>"
    legend = "".join(f"<li>{_sample(entry)}{text(entry.text)}</li>" for entry in picture.legend)
    return f'<ul class="legend">{legend}</ul>{framed(svg)}'


def _sample(entry: Entry) -> str:
    mark = entry.mark
    border = f"{(_LINES if entry.line else _BORDERS).get(mark.stroke, '2px solid')} {mark.color}"
    style = f"border-top:{border}" if entry.line else f"border:{border};background:{mark.fill}"
    return f'<span class="{"line" if entry.line else "box"}" style="{style}"></span>'
