"""What the tests of the documentation would not notice if they read its blocks wrongly."""

from __future__ import annotations

import os

import pytest

from tests.documentation.blocks import Block, Command, blocks_of, commands_of
from tests.documentation.session import run_console, run_doctest, same

PAGE = """\
# A page

```toml title="sub/a.toml"
x = 1
```

- in a list

    ```console
    $ ls
    sub
    ```

<!-- run: touch b -->

```pycon
>>> 1 + 1
2
```
"""


def test_blocks_come_in_order_with_their_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert list(blocks_of(page)) == [
        Block("toml", "sub/a.toml", "x = 1\n", 3),
        Block("console", "", "$ ls\nsub\n", 9),
        Block("hidden", "", "touch b", 14),
        Block("pycon", "", ">>> 1 + 1\n2\n", 16),
    ]


def test_commands_with_their_output():
    assert commands_of("$ a \\\n  b\none\n\ntwo\n$ c\n$ d\nthree\n") == [
        Command("a \\\n  b", "one\n\ntwo"),
        Command("c", ""),
        Command("d", "three"),
    ]


def test_commands_share_a_shell_and_tell_their_status(tmp_path):
    commands = commands_of("$ x=3\n$ echo $x; echo wrong >&2\n$ (exit 4)\n$ echo $?\n$ printf no-newline\n")
    printed = run_console(commands, tmp_path, os.environ)
    assert [(each.output, each.status) for each in printed] == [
        ("", 0),
        ("3\nwrong", 0),
        ("", 4),
        ("4", 0),
        ("no-newline", 0),
    ]


@pytest.mark.parametrize(
    ("expected", "printed", "equal"),
    [
        ("a", "a\n\n", True),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("in ... s", "in 0.25 s", True),
        ("a", "a\nb", False),
        ("a\nb", "a", False),
        ("", "something", False),
    ],
)
def test_what_counts_as_the_same(expected, printed, equal):
    assert same(expected, printed) == equal


def test_a_doctest_that_fails_is_told_and_names_stay():
    names = {}
    assert run_doctest(">>> x = 2\n>>> x\n2\n", names, "page.md", 1) == ""
    assert "Expected:\n    3\nGot:\n    2" in run_doctest(">>> x\n3\n", names, "page.md", 7)
