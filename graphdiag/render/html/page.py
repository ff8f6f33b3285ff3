"""The page: a template, its style and scripts, Graphviz, and the data, in one file that makes no network requests."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from graphdiag.picture_style import STANDARD, PictureStyle
from graphdiag.render.headline import headline
from graphdiag.render.html import text
from graphdiag.render.html.data import page_data, repaired_data
from graphdiag.render.html.repaired import RepairedView, repaired_view
from graphdiag.results.report import Report
from graphdiag.version import __version__

SCRIPTS = (
    "elements.mjs",
    "folding.mjs",
    "data.mjs",
    "page.mjs",
    "layout.mjs",
    "address.mjs",
    "overview.mjs",
    "saving.mjs",
    "picture.mjs",
    "panels.mjs",
    "main.mjs",
)
"""Modules, each after those it imports."""
_MODULE_SYNTAX = re.compile(r'^import \{ \w+(?:, \w+)* \} from "\./\w+\.mjs";\n|^export (?=\w+ \w)', re.MULTILINE)
_HOLE = re.compile(r"\{\{(\w+)\}\}")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
_INLINE_POLICY = "script-src 'unsafe-inline' 'wasm-unsafe-eval'; worker-src blob:"
_SERVED_POLICY = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
_INLINE_SCRIPTS = """<script type="application/octet-stream" id="graphviz">{graphviz}</script>
<script>
"use strict";
(() => {{
{script}
}})();
</script>"""
_SERVED_SCRIPTS = """<script type="application/octet-stream" id="graphviz" data-worker="static/graphviz.js"></script>
<script type="module" src="static/main.mjs"></script>"""
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class View:
    """One model of a page that holds several.

    Attributes:
        title: What the page calls it.
        report: What was found.
        marks: What else can be selected in it, besides the findings: see `graphdiag.render.html.data.mark`.
        repaired: Its graph repaired; ``None`` where the page does not show that.
    """

    title: str
    report: Report
    marks: Sequence[Mapping[str, Any]] = ()
    repaired: RepairedView | None = None


def to_html(report: Report, style: PictureStyle = STANDARD) -> str:
    """The report as one self-contained page.

    Args:
        report: The report.
        style: Which way the pictures run, and whether boxes show shapes.

    Returns:
        HTML. It holds all that it needs, and its content security policy forbids every request. The same report gives
        the same text.
    """
    return page(f"graphdiag: {report.origin.path}", headline(report), "", [_view(report)], style)


def to_served_html(report: Report) -> str:
    """The report as a page that a server hands out beside its scripts.

    Args:
        report: The report.

    Returns:
        HTML as of `to_html`, without the scripts: those are at ``static/main.mjs``, from where the page itself is, with
        the other modules beside it, and `graphviz_worker` is at ``static/graphviz.js``.
    """
    return page(f"graphdiag: {report.origin.path}", headline(report), "", [_view(report)], served=True)


def _view(report: Report) -> View:
    return View("", report, repaired=repaired_view(report))


def page(
    title: str,
    headline: str,
    index: str,
    views: Sequence[View],
    style: PictureStyle = STANDARD,
    *,
    served: bool = False,
) -> str:
    """A page of one or several models.

    Args:
        title: What the browser's tab shows.
        headline: What stands above all.
        index: HTML from which the models are chosen; empty for a single one.
        views: The models; the first one is shown first.
        style: As for `to_html`.
        served: Whether a server hands out the scripts, as for `to_served_html`.

    Returns:
        HTML, as of `to_html`.
    """
    data = page_data([view.report for view in views], style)
    for model, view in zip(data["models"], views, strict=True):
        model["findings"] += view.marks
        model["repaired"] = repaired_data(view.report, view.repaired)
    return fill(
        static("page.html"),
        {
            "title": text.text(title),
            "style": static("page.css"),
            "headline": text.text(headline),
            "index": index,
            "heads": "".join(_head(number, view) for number, view in enumerate(views)),
            "words": "".join(_words(number, view) for number, view in enumerate(views)),
            "version": __version__,
            "data": json_text(data),
            "policy": _POLICY + (_SERVED_POLICY if served else _INLINE_POLICY),
            "offline": "" if served else "This file works without a network.",
            "scripts": _SERVED_SCRIPTS if served else _INLINE_SCRIPTS.format(graphviz=_graphviz(), script=_script()),
        },
    )


def _head(number: int, view: View) -> str:
    """What stands above a model's pictures: its answer, unless it is the page's, what was compared, the legend."""
    name = f'<h2 class="model">{text.text(view.title)}: {text.text(headline(view.report))}</h2>' if view.title else ""
    facts = "".join(f"<div><dt>{label}</dt><dd>{text.text(fact)}</dd></div>" for label, fact in text.facts(view.report))
    return (
        f'<div data-of="{number}">{name}<dl class="facts">{facts}</dl>'
        f'<ul class="chips" aria-label="Legend, with numbers of layer edges">{text.chips(view.report)}</ul></div>'
    )


def _words(number: int, view: View) -> str:
    """A model's findings and notes."""
    found = text.findings(view.report, number) or '<li class="nothing">There are no findings.</li>'
    notes = "".join(f"<li>{note}</li>" for note in text.notes(view.report))
    said = f'<section aria-label="Notes"><h2>Notes</h2><ul>{notes}</ul></section>' if notes else ""
    return (
        f'<div data-of="{number}"><section aria-label="Findings"><h2>Findings</h2><ul class="findings">{found}</ul>'
        f"</section>{said}</div>"
    )


def fill(template: str, content: Mapping[str, str]) -> str:
    """The template with its holes filled in one go, so that no content is taken for a hole."""
    return _HOLE.sub(lambda hole: content[hole[1]], template)


@cache
def _script() -> str:
    """The modules as one script.

    A page that is opened from a file cannot import, so what the modules export becomes names of one scope: they import
    under the same name and export declarations.
    """
    return "\n".join(_MODULE_SYNTAX.sub("", static(name)) for name in SCRIPTS)


def json_text(data: Any) -> str:
    """JSON that no HTML parser takes for anything but text."""
    return json.dumps(data, separators=(",", ":")).translate(_UNSAFE)


def static(name: str) -> str:
    """A file of the page's parts."""
    return (files("graphdiag.render.html") / "static" / name).read_text(encoding="utf-8")


@cache
def _graphviz() -> str:
    """Graphviz for the browser, packed: as it is, its file holds characters that HTML does not allow."""
    packed = gzip.compress(graphviz_worker().encode("utf-8"), 9, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def graphviz_worker() -> str:
    """The script of the worker that lays out DOT texts: ``{id, dot}`` in, ``{id, output}`` or ``{id, error}`` out."""
    return static("viz/viz-global.js") + "\n" + static("graphviz_worker.js")
