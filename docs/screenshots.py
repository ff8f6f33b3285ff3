"""Make the pictures that the README shows: ``make screenshots``."""

from __future__ import annotations

from pathlib import Path

from graphdiag import compare

DOCS = Path(__file__).resolve().parent
LOG = DOCS.parent / "fixtures" / "logs" / "keras216_reference"


def main() -> None:
    """Write every picture."""
    picture()


def picture() -> None:
    """The layer graph of the reference model with the diff drawn on it."""
    report = compare(LOG, model=LOG / "model.json")
    data = report.render("png")
    assert isinstance(data, bytes)
    (DOCS / "picture.png").write_bytes(data)


if __name__ == "__main__":
    main()
