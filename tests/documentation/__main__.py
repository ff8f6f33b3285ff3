"""Write into pages what their commands print: ``python -m tests.documentation docs/tutorial.md``.

Outputs with ``...`` in them are left as they are. Read the difference before it is committed: the program may be wrong.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.documentation.blocks import blocks_of
from tests.documentation.session import Session, with_pinned_versions


def update(page: Path) -> None:
    """Bring the outputs of a page up to date."""
    lines = page.read_text(encoding="utf-8").splitlines()
    shift = 0
    with tempfile.TemporaryDirectory() as folder, Session(Path(folder)) as session:
        for block in blocks_of(page):
            printed = session.run(block, f"{page}:{block.line}")
            if block.language != "console":
                continue
            new: list[str] = []
            for each in printed:
                output = each.command.output if "..." in each.command.output else with_pinned_versions(each.output)
                new += [*f"$ {each.command.line}".split("\n"), *output.splitlines()]
            fence = lines[block.line - 1 + shift]
            indent = fence[: len(fence) - len(fence.lstrip())]
            start, old = block.line + shift, len(block.text.splitlines())
            lines[start : start + old] = [f"{indent}{line}".rstrip() for line in new]
            shift += len(new) - old
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


for page in [Path(name).resolve() for name in sys.argv[1:]]:
    update(page)
