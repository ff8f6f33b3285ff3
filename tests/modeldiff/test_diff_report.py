"""What `graphdiag.diff` returns: a diff that writes itself, as a report does."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

import graphdiag
from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction, PictureStyle
from tests.modeldiff.models import snapshot

HOSTILE = "<script>|\n\u202e"


def found():
    new = snapshot("in InputLayer", "a Dense < in", "came Flatten(9) < a", model_name=HOSTILE)
    return graphdiag.diff(snapshot("in InputLayer", "a Dense < in"), new)


def test_it_writes_the_formats_of_the_command():
    diff = found()
    assert not diff.equal
    text = diff.render("text")
    assert text.startswith("Model renamed, 1 layer added")
    assert "<script>|\\n\\u202e" in text
    assert json.loads(diff.render("json")) == diff.to_dict()
    assert "rankdir=LR" in diff.render("dot", PictureStyle(Direction.LR))
    assert diff.render("png").startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="format yaml: not a format of a diff; choose from text, json"):
        diff.render("yaml")


def test_a_notebook_shows_its_words():
    class Cell(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.words = [], []

        def handle_starttag(self, tag, attributes):
            self.tags.append(tag)

        def handle_data(self, data):
            self.words.append(data)

    cell = Cell()
    cell.feed(found()._repr_html_())
    assert cell.tags[0] == "div"
    assert not {"html", "body", "script", "svg"} & set(cell.tags)
    words = "".join(cell.words)
    assert "Model renamed, 1 layer added" in words
    assert "<script>|\\n\\u202e" in words
    assert "came (Flatten) added" in words


def test_a_cell_stays_small():
    new = snapshot("in InputLayer", *[f"b{number} Dense({number}) < in" for number in range(1, 2000)])
    shown = graphdiag.diff(snapshot("in InputLayer", "a Conv1D < in"), new)._repr_html_()
    assert len(shown) < 20_000
    assert "Dense added at 1,998 places: after in" in shown
