"""Building blocks of GitHub-flavored Markdown in which names of any kind come out as text.

GitHub makes links of more than Markdown does: of ``@names``, ``#123``, ``GH-123``, addresses, and hexadecimal numbers
that are commits; nothing of it inside of code spans. So whatever is not a plain word or number goes into a code span.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from graphdiag.unprintable import escape_unprintable

_LONGEST_NAME = 300
_LONGEST_PROSE = 1000
_WORD = r"[^\W\d_]+(?:['’-][^\W\d_]+)*"
_NUMBER = r"\d{1,6}(?:,\d{3})*(?:\.\d+)?"
_PLAIN = re.compile(rf"(?P<before>[(\"']*)(?P<word>{_WORD}|{_NUMBER})(?P<after>[)\"'.,:;!?]*)")
_QUOTED = re.compile(r"(?P<before>[(\"']*)(?P<word>.*?)(?P<after>[)\"'.,:;!?]*)")
_COMMAND = re.compile(r"(?<![^ ])'(?P<command>graphdiag [a-zA-Z ./-]+)'(?P<after>[.,:;]?)(?![^ ])")
_ARROW = "->"
_COMMIT = re.compile("[0-9a-fA-F]{7,}")


def code(name: str, in_table: bool = False) -> str:
    """A name as a code span; what cannot be seen in it as an escape, and a very long one cut.

    Args:
        name: Any text.
        in_table: Whether it goes into a table, where a pipe would end the cell even inside of a code span.
    """
    shown = _shown(name, _LONGEST_NAME) or '""'
    if in_table:
        # Renderers do not agree on what an escaped backslash before a pipe means.
        shown = shown.replace("|", r"\x7c" if "\\|" in shown else r"\|")
    fence = "`" * (_longest_run(shown) + 1)
    # One blank at each end is taken off again if both ends have one.
    padded = shown[0] in " `" or shown[-1] in " `"
    return f"{fence} {shown} {fence}" if padded else f"{fence}{shown}{fence}"


def prose(words: str, in_table: bool = False) -> str:
    """A sentence that holds names, as graphdiag's messages do: plain words as they are, all else as code.

    Args:
        words: Any text; line ends in it are shown as escapes.
        in_table: Whether it goes into a table.
    """
    shown = _shown(words, _LONGEST_PROSE)
    said: list[str] = []
    end = 0
    for command in _COMMAND.finditer(shown):
        said += _tokens(shown[end : command.start()], in_table, first=not said)
        said.append(code(command["command"], in_table) + command["after"])
        end = command.end()
    return " ".join([*said, *_tokens(shown[end:], in_table, first=not said)])


def _tokens(shown: str, in_table: bool, *, first: bool) -> list[str]:
    tokens = [token for token in shown.split(" ") if token]
    return [_token(token, in_table, first=first and not number) for number, token in enumerate(tokens)]


def _token(token: str, in_table: bool, first: bool) -> str:
    plain = _PLAIN.fullmatch(token)
    if token == _ARROW and not first:
        return token
    # '1.' and '1)' would begin a list.
    if plain and not _COMMIT.search(token) and not (first and plain["word"][0].isdigit() and plain["after"]):
        return token
    quoted = _QUOTED.fullmatch(token)
    assert quoted is not None
    before, word, after = quoted.groups()
    # The brackets of a call belong to it; those around a name do not.
    while word.count("(") > word.count(")") and ")" in after:
        inside, bracket, after = after.partition(")")
        word += inside + bracket
    return f"{before}{code(word, in_table)}{after}" if word else code(token, in_table)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; the cells are Markdown already, made with ``in_table``."""
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def folded(title: str, more: str, body: Sequence[str]) -> str:
    """Paragraphs behind a line that opens them.

    Args:
        title: Any text.
        more: What follows the title; graphdiag's own words.
        body: Markdown, a paragraph each.
    """
    inner = "\n\n".join(body)
    named = f"<code>{escape(_shown(title, _LONGEST_NAME))}</code>" if title else ""
    return f"<details><summary>{named}{more}</summary>\n\n{inner}\n\n</details>"


def block(lines: Iterable[str], language: str = "text") -> str:
    """Lines as they are, in a code block."""
    shown = [_shown(line, _LONGEST_PROSE) for line in lines]
    fence = "`" * max([3, *(_longest_run(line) + 1 for line in shown)])
    return "\n".join([f"{fence}{language}", *shown, fence])


def size(text: str) -> int:
    """Bytes as UTF-8."""
    return len(text.encode("utf-8"))


def _shown(text: str, most: int) -> str:
    """Text with what cannot be seen as escapes, and cut."""
    shown = escape_unprintable(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
