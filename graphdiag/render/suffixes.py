"""Which format a file's name asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graphdiag.errors import UsageError
from graphdiag.render.registry import Format

_TEXT, _GRAPHML = (".txt", ".log"), (".graphml", ".xml")
SUFFIXES: Mapping[Format, tuple[str, ...]] = {
    Format.TEXT: _TEXT,
    Format.JSON: (".json",),
    Format.JSONL: (".jsonl", ".ndjson"),
    Format.CSV: (".csv",),
    Format.PARQUET: (".parquet", ".pq"),
    Format.MARKDOWN: (".md", ".markdown"),
    Format.HTML: (".html", ".htm"),
    Format.SARIF: (".sarif", ".json"),
    Format.JUNIT: (".xml",),
    Format.GITHUB: _TEXT,
    Format.SVG: (".svg",),
    Format.PNG: (".png",),
    Format.PDF: (".pdf",),
    Format.DOT: (".dot", ".gv"),
    Format.GRAPHML: _GRAPHML,
    Format.GRAPHML_OPS: _GRAPHML,
    Format.GRAPHML_DRAWN: _GRAPHML,
    Format.NODE_LINK: (".json",),
    Format.NODE_LINK_OPS: (".json",),
    Format.NODE_LINK_DRAWN: (".json",),
}
"""The suffixes that files of each format have; a suffix alone asks for the first format that has it."""


def format_of_file(file: Path, choices: Sequence[Format]) -> Format:
    """The format that a file's suffix asks for.

    Args:
        file: The file to write.
        choices: The formats that there are.

    Returns:
        The format; text for a suffix that no format has, and for none.

    Raises:
        UsageError: The suffix asks for a format that is none of the choices.
    """
    suffix = file.suffix.lower()
    wanted = [format_ for format_, suffixes in SUFFIXES.items() if suffix in suffixes]
    found = next((format_ for format_ in wanted if format_ in choices), None)
    if wanted and found is None:
        known = ", ".join(format_.value for format_ in choices)
        raise UsageError(f"-o {file}: {wanted[0].value} is not a format of this command; choose from {known}.")
    return found or Format.TEXT


def check_suffix(file: Path, format_: Format) -> None:
    """Refuse a file whose suffix belongs to another format; one that belongs to none is fine.

    Args:
        file: The file to write.
        format_: What is written to it.

    Raises:
        UsageError: They contradict each other.
    """
    suffix = file.suffix.lower()
    owners = [other for other, suffixes in SUFFIXES.items() if suffix in suffixes]
    if owners and format_ not in owners:
        right = SUFFIXES[format_][0]
        raise UsageError(
            f"--format {format_.value} and -o {file} contradict each other: leave --format out, "
            f"or name the file {file.with_suffix(right).name}."
        )
