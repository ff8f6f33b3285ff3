"""What is asked of pairs and groups of scopes, held against what their names say."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.graphs.scope_tree import ScopeTree
from tests.support.graph_text import graph_def

PIECES = st.sampled_from(["a", "b", "conv", "conv_1"])
NAMES = st.lists(st.lists(PIECES, min_size=1, max_size=5).map("/".join), max_size=12, unique=True)


def pieces_of(path):
    return path.split("/") if path else []


@given(NAMES)
def test_two_scopes_side_by_side_hold_the_ends_where_the_names_part(names):
    scopes = ScopeTree.of_names(names)
    pairs = list(itertools.product(range(len(scopes)), repeat=2))
    first, second = (np.array(ends, dtype=np.int32) for ends in zip(*pairs, strict=True))
    lefts, rights = scopes.side_by_side(first, second)
    for (one, other), left, right in zip(pairs, lefts.tolist(), rights.tolist(), strict=True):
        ours, theirs = pieces_of(scopes.names[one]), pieces_of(scopes.names[other])
        common = len(list(itertools.takewhile(lambda ends: ends[0] == ends[1], zip(ours, theirs, strict=False))))
        if common in (len(ours), len(theirs)):
            assert left == right == -1
        else:
            assert pieces_of(scopes.names[left]) == ours[: common + 1]
            assert pieces_of(scopes.names[right]) == theirs[: common + 1]


def test_an_op_that_is_named_as_a_scope_is_drawn_inside_it():
    ops = from_graph_def(graph_def("a/w VariableV2\na/w/read Identity a/w\nb/mul Mul a/w/read\nb Neg"))
    assert [ops.scopes.names[scope] for scope in ops.drawn_in.tolist()] == ["a/w", "a/w", "b", "b"]


def test_what_is_around_and_within_scopes():
    scopes = ScopeTree.of_names(["model/conv/mul", "model/grads/conv/mul", "other/x"])

    def named(flags):
        return [path for path, flag in zip(scopes.names, flags, strict=True) if flag]

    inside = scopes.numbers["model/grads/conv"]
    assert named(scopes.around(np.array([inside]))) == ["model", "model/grads", "model/grads/conv"]
    assert named(scopes.within("grads".__eq__)) == ["model/grads", "model/grads/conv"]
    outer = [scopes.names[scope] if scope >= 0 else None for scope in scopes.at_depth(1).tolist()]
    assert outer == [None, "model", "model", "model", "model", "other"]
