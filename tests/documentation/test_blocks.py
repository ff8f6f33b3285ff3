"""Every block of the README and of the documentation is run, and prints what it says."""

from __future__ import annotations

import difflib
import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.documentation.blocks import NOT_RUN, RUN, Block, blocks_of
from tests.documentation.session import Printed, Session, same

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SHELL = {"apt-get", "brew", "eval", "gh", "git", "graphdiag", "make", "pip", "python", "tensorboard"}
"""Programs that a ``shell`` block may show."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_shows_is_so(page: Path, tmp_path: Path) -> None:
    with Session(tmp_path) as session:
        for block in blocks_of(page):
            where = f"{page}:{block.line}"
            _compare(block, session.run(block, where), where)


def _compare(block: Block, printed: list[Printed], where: str) -> None:
    for number, each in enumerate(printed):
        if block.language == "console" and not same(each.command.output, each.output):
            lines = each.command.output.splitlines(), each.output.splitlines()
            differences = difflib.unified_diff(*lines, "page", "printed", lineterm="")
            pytest.fail(f"{where}: $ {each.command.line}\n" + "\n".join(differences))
        told = number + 1 < len(printed) and "$?" in printed[number + 1].command.line
        # 1 is what check, diff and pytest say of what they found.
        expected = told or each.status == 0 or (each.status == 1 and each.command.output)
        assert expected, f"{where}: $ {each.command.line}\n{each.output}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_that_is_not_run_is_of_a_kind_that_cannot_be(page: Path) -> None:
    for block in blocks_of(page):
        if block.title or block.language in RUN or block.language == "hidden":
            continue
        where = f"{page}:{block.line}"
        assert block.language in NOT_RUN, where
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "shell":
            typed = [line for line in block.text.splitlines() if line and not line.startswith(("#", " "))]
            assert {line.split()[0] for line in typed} <= SHELL, where
        assert not re.search(r"^(\$|>>>) ", block.text, re.MULTILINE), f"{where} is a session, and is not run"
