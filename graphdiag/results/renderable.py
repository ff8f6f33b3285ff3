"""What all results have in common: they render themselves in the formats that graphdiag knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from graphdiag.lazy import lazy
from graphdiag.picture_style import STANDARD, PictureStyle

if TYPE_CHECKING:
    from pathlib import Path

# Results hold data and know nothing of printing; rendering is looked up by name, and only when it is asked for.
_render = lazy("graphdiag.render.registry:render_as")
_show_page = lazy("graphdiag.results.showing:show_page")


class Renderable:
    """A result with a ``render`` method.

    Attributes:
        result_type: Under which name `graphdiag.render.registry` knows its formats: ``report``, ``check``, ``diff``.
    """

    result_type: ClassVar[str]

    def render(self, format: str, style: PictureStyle = STANDARD) -> str | bytes:  # noqa: A002 - what users call it
        """The result in one of the formats of the command line's ``--format``.

        Args:
            format: As ``html``; see `graphdiag.render.registry.Format`.
            style: How pictures look; formats without pictures ignore it.

        Returns:
            Text, or bytes for ``png`` and ``pdf``.

        Raises:
            UsageError: The result has no such format, or a program that the format needs is not installed.
            ProgramError: That program failed.
        """
        rendered: str | bytes = _render(self, format, style)
        return rendered

    def show(self) -> Path | None:
        """Show the page of ``--format html``: in the cell of a notebook, else in the browser.

        Returns:
            The temporary file that the browser opens; ``None`` in a notebook.

        Raises:
            UsageError: The file cannot be written.
        """
        shown: Path | None = _show_page(self.render("html"))
        return shown
