from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdiag.unprintable import escape_unprintable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("dense_4/kernel:0", "dense_4/kernel:0"),
        ("größe 卷积 😀", "größe 卷积 😀"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("user\u202egpj.exe", r"user\u202egpj.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\ud800", r"\ud800"),
        ("\ufffe", r"\ufffe"),
    ],
)
def test_what_cannot_be_seen_is_an_escape(name, shown):
    assert escape_unprintable(name) == shown


def test_lines_may_be_kept():
    assert escape_unprintable("a\n\x00b", keep="\n") == "a\n\\x00b"


@given(st.text(st.characters(codec=None)))
def test_what_comes_out_is_printable_and_can_be_encoded(name):
    assert escape_unprintable(name).isprintable()
    escape_unprintable(name).encode("utf-8")
