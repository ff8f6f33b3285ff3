"""A page of words and one picture, without script: what does not need the page of a report."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphdiag.render.html.text import text
from graphdiag.version import __version__

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-bottom: .3rem }
th { text-align: left; font-weight: 600 } th, td { padding: 0 1rem .2rem 0; vertical-align: top }
h1, li, td { overflow-wrap: anywhere }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; list-style: none; padding: 0 }
.legend span { display: inline-block; width: 2rem; margin-right: .5rem; vertical-align: middle }
.legend .box { height: .9rem }
.picture { background: #fff; overflow: auto; border: 1px solid #8886 }
.picture svg { display: block; margin: 0 auto; max-width: 100%; height: auto }
"""


_WIDTH = re.compile(r'<svg[^>]* width="([0-9.]+)pt"')
_SMALLEST = 0.6
"""Of a picture's own size."""


def plain_page(title: str, parts: Iterable[str]) -> str:
    """A page that makes no network requests and runs no script.

    Args:
        title: What the browser's tab shows.
        parts: What the page holds, as HTML.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + f"\n<footer><p>graphdiag {__version__}</p></footer>\n</body>\n</html>\n"
    )


def framed(svg: str) -> str:
    """A picture as wide as the page, or, where its words would be too small then, one that scrolls."""
    width = _WIDTH.search(svg)
    least = f' style="min-width:{float(width[1]) * _SMALLEST:.0f}pt"' if width else ""
    return f'<div class="picture" tabindex="0"><svg{least}{svg[svg.index("<svg") + len("<svg") :]}</div>'
