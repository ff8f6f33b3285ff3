"""Scopes as integers say what names say."""

from hypothesis import given
from hypothesis import strategies as st

from graphdiag.graphs.scope_tree import ScopeTree

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


@given(names, st.sets(st.sampled_from(["a", "a/b", "b", "a/b/c", ""])))
def test_what_is_not_said_of_a_scope_is_inherited(op_names, said):
    tree = ScopeTree.of_names(op_names)
    values = [number if name in said else -1 for number, name in enumerate(tree.names)]
    found = tree.inherited(tree.parent * 0 + values, unset=-1)
    for number, name in enumerate(tree.names):
        around = [scope for scope in (name, *scopes_around(name)) if scope in said]
        assert found[number] == (tree.numbers[around[0]] if around else -1)
