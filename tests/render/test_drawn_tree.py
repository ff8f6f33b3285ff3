from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from graphdiag.errors import UsageError
from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.render.text.drawn_tree import render
from graphdiag.sources.event_log import open_event_log
from graphdiag.tensorboard import draw
from tests.support.drawn import recorded
from tests.support.graph_text import LOGS, graph_def


def lines(tree: RenderableType) -> list[str]:
    """What stands in each line, without the lines of the tree and with the depth as blanks."""
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(tree)
    assert isinstance(console.file, io.StringIO)
    drawing = str.maketrans("│├└─", "    ")
    return [line.translate(drawing).rstrip() for line in console.file.getvalue().splitlines()]


@pytest.fixture(scope="module")
def reference() -> DrawnGraph:
    return draw(open_event_log(LOGS / "keras216_reference").graph_defs)


def test_the_root_with_counts_and_reasons(reference: DrawnGraph) -> None:
    shown = lines(render(reference))
    assert shown[0] == "graph  953 ops"
    assert shown[1].strip() == "main graph: 27 nodes, 25 arrows"
    assert "        conv1d_0_1  meta, 17 ops  → batchnorm_0_1 (6)" in shown
    assert shown[-2].strip() == "auxiliary nodes: 1"
    assert shown[-1].strip() == "batchnorm_0_0  meta, 92 ops: out-degree 9 > 4"
    assert len(shown) == 1 + 1 + 27 + 1 + 1


def test_arrows_that_were_cut_are_not_shown(reference: DrawnGraph) -> None:
    assert "        conv1d_0_0  meta, 17 ops" in lines(render(reference))


def test_depth(reference: DrawnGraph) -> None:
    shown = lines(render(reference, depth=2))
    assert len(shown) == len(lines(render(reference))) + sum(
        len(reference.children(name)) for name in [*reference.root.core, "batchnorm_0_0"]
    )


def test_expanding_one_node_shows_the_way_to_it(reference: DrawnGraph) -> None:
    shown = lines(render(reference, expand=["dropout_0/cond"]))
    at = shown.index("        dropout_0  meta, 17 ops  → dense_1 (1)")
    assert shown[at + 1] == "            cond  meta, 17 ops"
    assert shown[at + 3] == "                switch_t  Identity  → mul (1 control), dropout (5 control)"
    assert len(shown) == len(lines(render(reference))) + 1 + 8


def test_a_node_that_is_not_there(reference: DrawnGraph) -> None:
    with pytest.raises(UsageError, match="did you mean 'dropout_0/cond'"):
        render(reference, expand=["dropout_0/cnd"])


def test_functions_have_a_branch() -> None:
    graph, _ = recorded("function_calls")
    shown = [line.strip() for line in lines(render(draw([graph])))]
    assert shown[-3:] == [
        "functions: 2",
        "__function_library__scale  meta, 7 ops",
        "__function_library__unused  meta, 3 ops",
    ]


def test_names_are_not_markup() -> None:
    graph = graph_def("[red]x[bold] Neg\n[@click=quit()] Neg [red]x[bold]\n:smile: Neg")
    shown = "\n".join(lines(render(draw([graph]))))
    assert "[red]x[bold]" in shown
    assert "[@click=quit()]" in shown
    assert ":smile:" in shown


def test_many_arrows_are_cut_short() -> None:
    text = "hub Identity\n" + "\n".join(f"reader{letter} Neg hub" for letter in "abcdef")
    assert any(
        line.endswith("readera (1), readerb (1), readerc (1), readerd (1) and 2 more")
        for line in lines(render(draw([graph_def(text)])))
    )
