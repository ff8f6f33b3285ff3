from __future__ import annotations

from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.tensorboard import draw
from graphdiag.tensorboard.merge import merge_graphs
from graphdiag.tensorboard.serve import serve_graph


def names_on_screen(*names: str) -> list[str]:
    graph = GraphDef()
    for name in names:
        graph.node.add(name=name, op="Identity")
    drawn = draw([graph])
    return [drawn.names[row] for row in drawn.op_rows]


def test_plain_names_pass_unchanged() -> None:
    graph = GraphDef()
    graph.node.add(name="conv1d_0/kernel>with.all-TensorFlow_allows", op="Identity")
    merged = merge_graphs([graph])
    assert serve_graph(merged, [graph]) is merged


def test_quotes_and_control_characters_are_drawn_as_escapes() -> None:
    assert names_on_screen("it's", 'say "hi"', "line\nbreak", "back\\slash", "bell\x07") == [
        "it\\'s",
        'say \\"hi\\"',
        "line\\nbreak",
        "back\\\\slash",
        "bell\\007",
    ]


def test_letters_are_drawn_as_the_installed_protobuf_writes_them() -> None:
    graph = GraphDef()
    graph.node.add(name="日本/é😀", op="Identity")
    assert names_on_screen("日本/é😀") == [str(graph).split('"')[1]]


def test_inputs_are_escaped_with_the_names() -> None:
    graph = GraphDef()
    graph.node.add(name="it's", op="Split")
    graph.node.add(name="b", op="Identity", input=["it's:1", "^b"])
    assert draw([graph]).to_dict()["edges"] == {"__root__": [["it\\'s", "b", 1, 0, 0]]}


def test_an_escape_at_the_end_of_a_name_counts_as_a_number() -> None:
    # A control character is sent as "\\001", and five such names make a series.
    graph = GraphDef()
    for code in range(1, 6):
        graph.node.add(name=f"x{chr(code)}", op="Identity")
    assert draw([graph]).children() == ["x\\[1-5]"]


def test_a_letter_on_the_border_between_two_pieces_is_damaged() -> None:
    graph = GraphDef()
    graph.node.add(name="x", op="Identity")
    graph.node.add(name="é", op="Identity")
    # Make the letter's first byte the last of the first million.
    graph.node[0].name += "x" * (999_999 - str(graph).encode().index("é".encode()))
    drawn = draw([graph])
    assert drawn.names[drawn.op_rows[1]] == "\ufffd\ufffd"
    graph.node[0].name += "x"
    drawn = draw([graph])
    assert drawn.names[drawn.op_rows[1]] == "é"
