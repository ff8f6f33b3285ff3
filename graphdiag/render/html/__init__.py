"""One self-contained HTML page: the answer, the findings, and both graphs as pictures that can be worked with."""

from graphdiag.render.html.page import to_html

__all__ = ["to_html"]
