"""The page: a template, its style and scripts, Graphviz, and the data, in one file that asks for nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from graphdiag.report.answer import answer
from graphdiag.report.look import STANDARD, Look
from graphdiag.report.page import text
from graphdiag.report.page.data import page_data
from graphdiag.report.report import Report
from graphdiag.version import __version__

_SCRIPTS = ("data.js", "folding.js", "layout.js", "picture.js", "panels.js", "main.js")
"""In the order in which they are needed; together they are one script."""
_HOLE = re.compile(r"\{\{(\w+)\}\}")
_NOTES = '<section aria-labelledby="notes"><h2 id="notes">Notes</h2><ul>{}</ul></section>'
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def to_html(report: Report, look: Look = STANDARD) -> str:
    """The report as one self-contained page.

    Args:
        report: The report.
        look: Which way the pictures run, and whether boxes show shapes.

    Returns:
        HTML. It holds all that it needs, and its content security policy forbids every request. The same report gives
        the same text.
    """
    facts = "".join(f"<div><dt>{label}</dt><dd>{text.text(fact)}</dd></div>" for label, fact in text.facts(report))
    notes = "".join(f"<li>{note}</li>" for note in text.notes(report))
    return _fill(
        _static("page.html"),
        {
            "title": text.text(f"graphdiag: {report.origin.path}"),
            "style": _static("page.css"),
            "answer": text.text(answer(report)),
            "facts": facts,
            "chips": text.chips(report),
            "findings": text.findings(report, buttons=True) or '<li class="nothing">There are no findings.</li>',
            "notes": f'<section aria-labelledby="notes"><h2 id="notes">Notes</h2><ul>{notes}</ul></section>'
            if notes
            else "",
            "version": __version__,
            "data": _json(page_data([report], look)),
            "graphviz": _graphviz(),
            "script": "\n".join(map(_static, _SCRIPTS)),
        },
    )


def _fill(template: str, content: Mapping[str, str]) -> str:
    """The template with its holes filled in one go, so that no content is taken for a hole."""
    return _HOLE.sub(lambda hole: content[hole[1]], template)


def _json(data: Any) -> str:
    """JSON that no HTML parser takes for anything but text."""
    return json.dumps(data, separators=(",", ":")).translate(_UNSAFE)


def _static(name: str) -> str:
    return (files("graphdiag.report.page") / "static" / name).read_text(encoding="utf-8")


@cache
def _graphviz() -> str:
    """Graphviz for the browser, packed: as it is, its file holds characters that HTML does not allow."""
    packed = gzip.compress(_static("viz/viz-global.js").encode("utf-8"), 9, mtime=0)
    return base64.b64encode(packed).decode("ascii")
