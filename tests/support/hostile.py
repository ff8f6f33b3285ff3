"""Names that a careless format would choke on."""

from __future__ import annotations

from hypothesis import strategies as st

HOSTILE = [
    "<script>alert(1)</script>",
    "\"quoted\" 'twice'",
    "two\nlines\r\nand more",
    "::error file=x::owned",
    "a|b\\|c",
    "`code` ``more`` ```",
    "@everyone #1 GH-2 https://example.org www.example.org a@example.org",
    "[link](https://example.org) ![image](x)",
    "</details><img src=x onerror=alert(1)>",
    "]]><!--",
    "&amp; &lt; %0A%25",
    "{0} {{1}}",
    "\x1b[31mred\x1b[0m\x00\x07",
    "user\u202egpj.exe",
    "größe 卷积 😀",
    "\ud800",
    "x" * 300,
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "*bold* _it_ ~no~ # head",
    "1. one",
    " blank ",
    "",
    "line\nfeed\r\ttab",
    "a|b{c}<d>",
    "scope::name",
    "&lt;&amp;",
    "back\\slash\\N\\l",
    "bell\x07\x00\x1b[31m",
    "Größe 层 🙂 \u202e",
    "lone \ud800 surrogate",
    "\ufffe",
    "]]>",
    "--><!--",
    "n" * 300,
    " ",
]

NAMES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec=None), max_size=40),
    st.text("`|\\@#<>[]()*_:%{}&\n\r -.a1", max_size=30),
)
