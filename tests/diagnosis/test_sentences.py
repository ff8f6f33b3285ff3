"""Every sentence of a finding is a claim about its graph: said where it is true, and not where it would be false."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdiag import diagnosis
from tests.diagnosis.sentences import SENTENCES, Said

DIAGNOSIS = Path(diagnosis.__file__).parent
MODULES = {
    **{path.name[:5].upper(): path for path in sorted((DIAGNOSIS / "rules").glob("gd*.py"))},
    "claims": DIAGNOSIS / "claims.py",
    "fixes": DIAGNOSIS / "fixes.py",
}
SHORTEST = 4
"""Words of which a text in a rule is a sentence, or a part of one that says something by itself."""


def said(graph: Said, code: str) -> str:
    """What a rule says of a graph; of shared words, what any rule says."""
    texts = graph()
    return texts.get(code, "") if code in MODULES and code.startswith("GD") else "\n".join(texts.values())


def rows() -> Iterator[pytest.param]:
    for number, sentence in enumerate(SENTENCES):
        yield pytest.param(sentence, id=f"{sentence.code}-{number}")


@pytest.mark.parametrize("sentence", rows())
def test_it_is_said_where_it_is_true_and_not_where_it_would_be_false(sentence):
    assert sentence.words in said(sentence.true, sentence.code)
    assert sentence.words not in said(sentence.false, sentence.code)


def texts_in(path: Path) -> Iterator[str]:
    """The texts in a module's code, with ``{}`` for what is filled in; docstrings are left out."""

    def visit(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(value.value if isinstance(value, ast.Constant) else "{}" for value in node.values)
            for value in node.values:
                if isinstance(value, ast.FormattedValue):
                    yield from visit(value.value)
        else:
            for child in ast.iter_child_nodes(node):
                yield from visit(child)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


def is_sentence(text: str) -> bool:
    words = re.findall(r"[A-Za-z]{2,}", text.replace("{}", " "))
    return len(words) >= SHORTEST and " " in text.strip() and not re.search(r"\\w|\(\?|\|", text)


@pytest.mark.parametrize("code", MODULES)
def test_every_sentence_of_a_rule_has_its_row(code):
    known = [sentence.words for sentence in SENTENCES]
    missing = []
    for text in texts_in(MODULES[code]):
        if not is_sentence(text):
            continue
        piece = max(text.split("{}"), key=len).strip()
        if not any(piece in words or words.strip() in piece for words in known):
            missing.append(text)
    assert missing == []
