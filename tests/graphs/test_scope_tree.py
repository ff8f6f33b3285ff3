"""Scopes as integers say what names say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphdiag.graphs.byte_texts import ByteTexts
from graphdiag.graphs.name_bytes import NameBytes
from graphdiag.graphs.scope_tree import ScopeTree
from graphdiag.graphs.wire_format import Spans

names = st.lists(st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=5).map("/".join), max_size=20)


def scopes_around(name):
    while name:
        name = name.rpartition("/")[0]
        yield name


@given(names)
def test_every_scope_is_there_after_the_one_around_it(op_names):
    tree = ScopeTree.of_names(op_names)
    assert set(tree.names) == {"", *(scope for name in op_names for scope in scopes_around(name))}
    for number, name in enumerate(tree.names):
        assert tree.numbers[name] == number
        if name:
            assert tree.names[tree.parent[number]] == name.rpartition("/")[0]
            assert tree.parent[number] < number
    for name, scope in zip(op_names, tree.of_op.tolist(), strict=True):
        assert tree.names[scope] == name.rpartition("/")[0]


@given(names)
def test_the_segment_of_a_scope_is_the_last_part_of_its_name(op_names):
    tree = ScopeTree.of_names(op_names)
    assert list(tree.segments) == [name.rpartition("/")[2] for name in tree.names]
    segments, kinds = tree.kinds
    assert [segments[kind] for kind in kinds] == list(tree.segments)
    assert len(set(segments)) == len(segments)


@given(names, st.sets(st.sampled_from(["a", "a/b", "b", "a/b/c", ""])))
def test_what_is_not_said_of_a_scope_is_inherited(op_names, said):
    tree = ScopeTree.of_names(op_names)
    values = [number if name in said else -1 for number, name in enumerate(tree.names)]
    found = tree.inherited(tree.parent * 0 + values, unset=-1)
    for number, name in enumerate(tree.names):
        around = [scope for scope in (name, *scopes_around(name)) if scope in said]
        assert found[number] == (tree.numbers[around[0]] if around else -1)


@given(names, st.sampled_from([0, 2000]))
def test_scopes_of_names_in_bytes_are_those_of_the_names(op_names, at_root):
    # Where there are many ops for each depth, the scopes are told apart in another way.
    op_names = [*op_names, *map(str, range(at_root))]
    stops = np.cumsum([0, *map(len, op_names)])
    in_bytes = NameBytes(ByteTexts("".join(op_names).encode()), Spans(stops[:-1], stops[1:]))
    ours, theirs = in_bytes.scopes, ScopeTree.of_names(op_names)
    assert list(ours.names) == list(theirs.names)
    assert ours.parent.tolist() == theirs.parent.tolist()
    assert ours.of_op.tolist() == theirs.of_op.tolist()
    assert (ours.kinds[0], ours.segments) == (theirs.kinds[0], theirs.segments)
    assert in_bytes.strings() == op_names
    assert in_bytes.depths.tolist() == [name.count("/") for name in op_names]


@given(names)
def test_what_lies_in_scopes_is_counted_at_any_depth(op_names):
    tree = ScopeTree.of_names(op_names)
    inside = [[row for row, op in enumerate(op_names) if name in ("", *scopes_around(op))] for name in tree.names]
    assert tree.first_inside(tree.of_op).tolist() == [min(rows, default=len(op_names)) for rows in inside]
    assert tree.totals(np.bincount(tree.of_op, minlength=len(tree))).tolist() == list(map(len, inside))
    assert tree.depth.tolist() == [len(list(scopes_around(name))) for name in tree.names]
