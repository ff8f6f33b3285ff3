"""A diff that writes itself, as a report does: what `graphdiag.diff` returns."""

from __future__ import annotations

from dataclasses import fields

from graphdiag.modeldiff.differ import Diff
from graphdiag.picture_style import STANDARD, PictureStyle


class DiffReport(Diff):
    """What changed, and how to show it."""

    @classmethod
    def of(cls, diff: Diff, titles: tuple[str, str]) -> DiffReport:
        """The report on a diff.

        Args:
            diff: The changes.
            titles: What the user calls the two graphs.
        """
        return cls(**{**{field.name: getattr(diff, field.name) for field in fields(diff)}, "titles": titles})

    def render(self, format: str, look: PictureStyle = STANDARD) -> str | bytes:  # noqa: A002 - what users call it
        """The changes in one of the formats of ``graphdiag diff --format``.

        Args:
            format: As ``html``; see `graphdiag.render.registry.Format`.
            look: How pictures look; other formats take no notice.

        Returns:
            Text, or bytes for ``png`` and ``pdf``.

        Raises:
            UsageError: There is no such format, or a program that it needs is not installed.
            ProgramError: The program failed.
        """
        from graphdiag.render.diff_registry import render
        from graphdiag.render.registry import named

        return render(self, named(format), look)

    def _repr_html_(self) -> str:
        """What a notebook shows for the diff: the answer and the changes."""
        from graphdiag.render.html.diff_page import to_fragment

        return to_fragment(self)
