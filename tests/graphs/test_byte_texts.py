"""Texts in bytes: told apart as strings are, whatever they are and however they were chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.graphs.byte_texts import AmbiguousTextsError, ByteTexts
from graphdiag.graphs.op_graph import merge
from graphdiag.graphs.serialized_graph import SerializedGraph, SerializedGraphs, nodes_of
from graphdiag.graphs.text_table import TextTable
from graphdiag.graphs.wire_format import Spans

short = st.text("ab", max_size=4)
long = st.builds(
    lambda text, times, end: text * times + end, st.text("abc/", min_size=1, max_size=9), st.integers(1, 300), short
)
texts = st.lists(st.one_of(short, long), max_size=30)
names = st.one_of(st.text("ab/_0", max_size=12), st.text("a:^1é", min_size=1, max_size=4))
marked = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "^"]),
    names,
    st.sampled_from(["", "", ":1", ":07", ":x", ":a:2", ":99999"]),
)


def in_bytes(*groups: list[str]) -> tuple[ByteTexts, list[Spans]]:
    data, spans = b"", []
    for group in groups:
        stops = np.cumsum([0, *map(len, group)], dtype=np.int64) + len(data)
        spans.append(Spans(stops[:-1], stops[1:]))
        data += "".join(group).encode("ascii")
    return ByteTexts(data), spans


@given(texts, texts)
def test_a_text_is_found_where_it_stands_last(listed: list[str], wanted: list[str]) -> None:
    source, (there, sought) = in_bytes(listed, wanted + listed)
    table = TextTable(source, there)
    rows = {text: row for row, text in enumerate(listed)}
    assert table.find(sought).tolist() == [rows.get(text, -1) for text in wanted + listed]
    assert table.are_unique == (len(rows) == len(listed))


@given(texts)
def test_kinds_are_numbered_as_they_come(listed: list[str]) -> None:
    source, (there,) = in_bytes(listed)
    first, kind = source.kinds(there)
    assert [listed[place] for place in first.tolist()] == list(dict.fromkeys(listed))
    assert [listed[first[number]] for number in kind.tolist()] == listed


def alike() -> tuple[str, str]:
    """Two texts with one hash."""
    random = np.random.default_rng(0)
    factor = 0x9E3779B97F4A7C15
    factors = [pow(factor, place, 2**64) for place in (1, 2)]

    def folded(word: int) -> int:
        return word ^ (word >> 32)

    first, end = (folded(int.from_bytes(word, "little")) for word in (b"aaaaaaaa", b"bbbbbbbb"))
    while True:
        other = bytes(random.integers(97, 123, 8).tolist())
        difference = (first - folded(int.from_bytes(other, "little"))) * factors[0]
        ending = folded((end + difference * pow(factors[1], -1, 2**64)) % 2**64).to_bytes(8, "little")
        if ending.isascii():
            return "aaaaaaaabbbbbbbb", other.decode() + ending.decode()


def test_different_texts_with_one_hash_are_not_taken_for_each_other() -> None:
    one, other = alike()
    source, (both, alone, missing) = in_bytes([one, other], [one], [other])
    assert len(set(source.hashes(both).tolist())) == 1
    with pytest.raises(AmbiguousTextsError):
        TextTable(source, both)
    with pytest.raises(AmbiguousTextsError):
        source.kinds(both)
    with pytest.raises(AmbiguousTextsError):
        TextTable(source, alone).find(missing)


def test_a_graph_of_such_names_is_read_all_the_same() -> None:
    one, other = alike()
    graph = GraphDef()
    for name, given_ in ((one, []), (other, [one]), ("last", [other, f"^{one}"])):
        graph.node.add(name=name, op=name, input=given_)
    read, expected = merge(SerializedGraphs([SerializedGraph(graph.SerializeToString())])), merge([graph])
    assert read.types == expected.types
    assert read.source.tolist() == expected.source.tolist() == [0, 1, 0]
    assert read.output.tolist() == expected.output.tolist() == [0, 0, -1]


@given(st.lists(st.tuples(names, st.lists(marked, max_size=4)), max_size=12))
def test_inputs_lead_where_those_of_the_message_lead(ops: list[tuple[str, list[str]]]) -> None:
    graph = GraphDef()
    for name, inputs in ops:
        near = [text.replace("a", ops[0][0], 1) for text in inputs]
        graph.node.add(name=name, op="Neg", input=[*inputs, *near])
    ours, theirs = nodes_of(SerializedGraph(graph.SerializeToString())), nodes_of(graph)
    for column in ("source", "output", "ordinary"):
        assert getattr(ours.given.links, column).tolist() == getattr(theirs.given.links, column).tolist()
    assert ours.given.links.are_unique == theirs.given.links.are_unique
    assert ours.given.links.are_plain == theirs.given.links.are_plain


def test_slots_of_several_digits_are_read_in_full() -> None:
    # numpy 1.26 multiplies bytes by a small number in bytes, where 3 * 100 overflows.
    slots = [0, 9, 10, 99, 100, 255, 256, 300, 999, 1000, 9999, 10000]
    graph = GraphDef()
    graph.node.add(name="op", op="Split")
    graph.node.add(name="taker", op="Pack", input=[f"op:{slot}" for slot in slots])
    assert nodes_of(SerializedGraph(graph.SerializeToString())).given.links.output.tolist() == slots


def test_a_control_mark_alone_is_not_an_ordinary_input() -> None:
    graph = GraphDef()
    graph.node.add(name="", op="NoOp")
    graph.node.add(name="taker", op="NoOp", input=["^", ""])
    for nodes in (nodes_of(SerializedGraph(graph.SerializeToString())), nodes_of(graph)):
        links = nodes.given.links
        assert (links.source.tolist(), links.output.tolist()) == ([0, 0], [-1, 0])
        assert links.ordinary.tolist() == [False, True]
