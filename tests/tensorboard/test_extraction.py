from __future__ import annotations

import pytest

from graphdiag.graphs.drawn_graph import RenderedRoot
from graphdiag.sources.event_log import open_event_log
from graphdiag.tensorboard import draw
from tests.support.drawn import recorded
from tests.support.graph_text import LOGS, graph_def


def root(text: str) -> RenderedRoot:
    return draw([graph_def(text)]).root


def chain(length: int, inputs: str = "") -> str:
    """Layers ``l0x``, ``l1x`` ... each reading the one before (and ``inputs``)."""
    return "\n".join(f"l{i}x Relu {f'l{i - 1}x' if i else ''} {inputs}" for i in range(length))


def test_a_no_op_is_extracted_as_sink() -> None:
    drawn = root("a Neg\nb Neg a\ndone NoOp ^b")
    assert drawn.core == ("a", "b")
    assert drawn.out_extract == ("done",)
    assert drawn.extractions["done"].why == "op type NoOp"


def test_so_is_a_metanode_whose_own_op_is_a_no_op() -> None:
    drawn = root("v VariableV2\ninit/assign Assign v\ninit NoOp ^init/assign\nx Neg v\ny Neg x")
    assert drawn.out_extract == ("init",)
    assert drawn.extractions["init"].why == "op type NoOp"


def test_a_metanode_with_another_no_op_inside_stays() -> None:
    assert root("a Neg\nscope/done NoOp ^a\nscope/x Neg a").core == ("a", "scope")


def test_a_high_out_degree_is_extracted_and_says_why() -> None:
    drawn = root("hub Identity\n" + chain(16, "hub"))
    assert drawn.out_extract == ("hub",)
    extraction = drawn.extractions["hub"]
    assert (extraction.rule, extraction.degree, extraction.limit, extraction.control) == ("out-degree", 16, 4, False)
    assert extraction.why == "out-degree 16 > 4"
    assert (drawn.in_limit, drawn.out_limit) == (4, 4)
    assert len(drawn.core_edges) == 15


def test_a_high_in_degree_is_extracted_as_source() -> None:
    drawn = root(chain(16) + "\nsum AddN " + " ".join(f"l{i}x" for i in range(9)))
    assert drawn.in_extract == ("sum",)
    assert drawn.extractions["sum"].why == "in-degree 9 > 4"


def test_in_degrees_go_first() -> None:
    text = chain(16) + "\nhub AddN " + " ".join(f"l{i}x" for i in range(9))
    text += "\n" + "\n".join(f"r{i}x Relu hub l{i}x" for i in range(9))
    drawn = root(text)
    assert drawn.in_extract == ("hub",)
    assert "hub" not in drawn.out_extract


@pytest.mark.parametrize(("length", "extracted"), [(13, ()), (14, ("hub",))])
def test_fifteen_nodes_are_needed(length: int, extracted: tuple[str, ...]) -> None:
    drawn = root("hub Identity\n" + chain(length, "hub"))
    assert drawn.out_extract == extracted
    assert (drawn.out_limit is None) == (not extracted)


def test_what_the_no_op_rule_takes_is_not_counted() -> None:
    drawn = root("hub Identity\n" + chain(13, "hub") + "\ndone NoOp ^l12x")
    assert drawn.out_extract == ("done",)


def test_quartiles_raise_the_limit() -> None:
    # Half of the nodes have an out-degree of 2, the others of 0: Q3 = 2, Q1 = 0, so the limit is 2 + 4 * 2.
    text = "\n".join(f"s{i}x Identity" for i in range(10))
    text += "\n" + "\n".join(f"t{i}x Add s{i}x s{(i + 1) % 10}x" for i in range(10))
    assert root(text).out_limit == 10


def test_control_edges_count_only_where_there_are_no_others() -> None:
    drawn = root("hub Identity\n" + chain(16, "^hub"))
    extraction = drawn.extractions["hub"]
    assert extraction.control
    assert extraction.why == "out-degree 16 > 4 (control edges)"
    mixed = root("hub Identity\nreader Neg hub\n" + chain(16, "^hub"))
    assert mixed.extractions == {}
    assert ("hub", "reader") in mixed.core_edges


def test_control_edges_are_cut_at_a_node_with_more_than_four() -> None:
    few = root("hub Identity\nreader Neg hub\nreader2 Neg reader\n" + chain(4, "^hub"))
    many = root("hub Identity\nreader Neg hub\nreader2 Neg reader\n" + chain(5, "^hub"))
    assert ("hub", "l0x") in few.core_edges
    assert ("hub", "l0x") not in many.core_edges
    assert ("hub", "reader") in many.core_edges


def test_what_is_left_alone_with_shortcuts_on_one_side_goes_too() -> None:
    drawn = root("hub Identity\nread/x Neg hub\n" + chain(16, "hub"))
    assert drawn.out_extract == ("hub", "read")
    assert drawn.extractions["read"].why == "no neighbors left, only inputs"
    assert draw([graph_def("loss Mean\nshown ScalarSummary loss")]).root.in_extract == ("loss",)
    assert draw([graph_def("a Neg c\nc Const")]).root.extractions["a"].why == "no neighbors left, only inputs"


def test_what_was_always_alone_stays() -> None:
    assert root("a Neg\nb Neg").core == ("a", "b")


def test_constants_on_a_metanode_are_no_inputs_of_it() -> None:
    assert root("scope/a Neg scope/c\nscope/c Const").core == ("scope",)


def test_library_functions_leave_the_main_graph_last() -> None:
    graph, _ = recorded("function_calls")
    drawn = draw([graph]).root
    assert drawn.library == ("__function_library__scale", "__function_library__unused")
    assert not set(drawn.library) & set(drawn.core)


def test_the_reference_model_loses_its_first_normalization() -> None:
    drawn = draw(open_event_log(LOGS / "keras216_reference").graph_defs).root
    assert drawn.out_extract == ("batchnorm_0_0",)
    assert drawn.extractions["batchnorm_0_0"].why == "out-degree 9 > 4"
    assert ("conv1d_0_0", "batchnorm_0_0") not in drawn.core_edges
