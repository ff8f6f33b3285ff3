"""Random layer graphs and random edits: nothing gets lost, nothing is made up, and automatic names do not matter."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import LayerRecord, NestedRecord, Snapshot, TakenTensor, sources_of, usual
from graphdiag.modeldiff.summary import lines
from tests.modeldiff.models import applied, compared
from tests.support.schemas import wrong

CLASSES = ("Dense", "Conv1D", "Add", "BatchNormalization")


@dataclass(eq=False)
class Node:
    class_name: str
    size: int
    name: str = ""
    model: str = ""
    calls: int = 1
    sources: list[Node] = field(default_factory=list)
    output: int = 0
    more: list[tuple[Node, int, str]] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)

    def takes(self, ids: dict[int, str]) -> tuple[TakenTensor, ...]:
        """The tensors that it takes: one of each source, and more of the same ones."""
        sources = list(dict.fromkeys(map(id, self.sources)))
        found = [TakenTensor(ids[key], 0 if number else self.output) for number, key in enumerate(sources)]
        more = [
            TakenTensor(ids[id(one)], output, 0, argument) for one, output, argument in self.more if id(one) in sources
        ]
        return (*found, *more)


def graph(nodes: list[Node], counter: int, models: dict[str, str]) -> Snapshot:
    """The snapshot of some nodes; those without a name get Keras's, counted from a number."""
    counters: dict[str, int] = {}
    ids: dict[int, str] = {}
    layers = {}
    for node in nodes:
        name = node.name
        if not name:
            base = {"BatchNormalization": "batch_normalization", "InputLayer": "input_layer"}.get(
                node.class_name, node.class_name.lower()
            )
            number = counters.setdefault(base, counter)
            counters[base] += 1
            name = f"{base}_{number}" if number else base
        path = (models[node.model],) if node.model else ()
        ids[id(node)] = "/".join((*path, name))
    for node in nodes:
        takes = node.takes(ids)
        layers[ids[id(node)]] = LayerRecord(
            id=ids[id(node)],
            class_name=node.class_name,
            output_shape=f"(None, {node.size})",
            parameters=node.size * 10,
            calls=node.calls,
            path=(models[node.model],) if node.model else (),
            sources=tuple(dict.fromkeys(ids[id(source)] for source in node.sources)),
            ops={"MatMul": node.size, "Relu": node.calls - 1},
            takes=() if takes == usual(sources_of(takes)) else takes,
            settings=dict(node.settings),
        )
    taken = {source for layer in layers.values() for source in layer.sources}
    return Snapshot(
        "model",
        layers,
        {models[key]: NestedRecord(models[key], "Functional") for key in sorted({node.model for node in nodes} - {""})},
        tuple(ids[id(node)] for node in nodes if node.class_name == "InputLayer"),
        tuple(id_ for id_ in layers if id_ not in taken),
        ops={"": {"Mul": counter}},
    )


def random_nodes(rng: random.Random) -> list[Node]:
    nodes = [Node("InputLayer", rng.choice((1, 2))) for _ in range(rng.randint(1, 2))]
    for number in range(rng.randint(1, 14)):
        class_name = rng.choice(CLASSES)
        count = rng.choice((2, 3)) if class_name == "Add" else 1
        sources = rng.sample(nodes[-4:], min(count, len(nodes[-4:])))
        name = f"layer_of_{number}" if rng.random() < 0.3 else ""
        model = rng.choice("ab") if rng.random() < 0.3 else ""
        nodes.append(Node(class_name, rng.choice((1, 2, 3)), name, model, sources=sources))
    return nodes


def copied(nodes: list[Node]) -> list[Node]:
    copies = {id(node): replace(node) for node in nodes}
    for node in copies.values():
        node.sources = [copies[id(source)] for source in node.sources]
        node.more = [(copies[id(source)], *rest) for source, *rest in node.more if id(source) in copies]
        node.settings = dict(node.settings)
    return list(copies.values())


def edit(nodes: list[Node], rng: random.Random) -> None:
    """One random change, in place; the graph stays one that Keras could make, but for layers that nothing feeds."""
    kind = rng.choice(KINDS)
    position = rng.randrange(len(nodes))
    node = nodes[position]
    if kind == "insert" and node.sources:
        slot = rng.randrange(len(node.sources))
        new = Node(rng.choice(CLASSES), rng.choice((1, 2, 3)), rng.choice(("", "", "fresh")), node.model)
        if new.name and any(other.name == new.name for other in nodes):
            new.name = ""
        new.sources = [node.sources[slot]]
        node.sources[slot] = new
        nodes.insert(position, new)
    elif kind == "remove" and node.sources and len(nodes) > 2:
        for other in nodes:
            if node in other.sources:
                at = other.sources.index(node)
                other.sources[at : at + 1] = [source for source in node.sources if source not in other.sources]
        nodes.remove(node)
    elif kind == "rename" and node.class_name != "InputLayer":
        node.name = f"renamed_{rng.randrange(1000)}_{position}"
    elif kind == "cut" and len(node.sources) > 1:
        node.sources.pop(rng.randrange(len(node.sources)))
    elif kind == "join" and position:
        source = rng.choice(nodes[:position])
        if source not in node.sources and node.class_name != "InputLayer":
            node.sources.insert(rng.randint(0, len(node.sources)), source)
    elif kind == "change":
        node.size = rng.choice((1, 2, 3, 4))
    elif kind == "swap":
        rng.shuffle(node.sources)
    elif kind == "move" and node.class_name != "InputLayer":
        node.model = rng.choice(("", "a", "b", "c"))
    elif kind == "class" and node.class_name != "InputLayer":
        node.class_name = rng.choice(CLASSES)
    elif kind == "call":
        node.calls = rng.choice((1, 2))
    elif kind == "setting":
        node.settings[rng.choice(("rate", "units"))] = rng.choice((1, 0.5, None, [3, 3], {"class": "L2", "l2": 0.1}))
    elif kind == "default":
        node.settings.clear()
    elif kind == "output":
        node.output = rng.choice((0, 1, 2))
    elif kind == "give" and node.sources:
        node.more.append((rng.choice(node.sources), rng.choice((0, 1)), rng.choice(("", "mask", "value"))))
    elif kind == "take back" and node.more:
        node.more.pop(rng.randrange(len(node.more)))


KINDS = (
    *("insert", "remove", "rename", "cut", "join", "change", "swap", "move", "class", "call"),
    *("setting", "default", "output", "give", "take back"),
)
MODELS = {"a": "first", "b": "functional_3", "c": "third"}
RENUMBERED = {"a": "first", "b": "functional_9", "c": "third"}
seeds = st.integers(min_value=0, max_value=2**32)


@given(seeds, st.integers(min_value=0, max_value=6))
@settings(max_examples=400, deadline=None)
def test_the_changes_made_to_the_old_graph_give_the_new_one(seed, edits):
    rng = random.Random(seed)
    nodes = random_nodes(rng)
    old = graph(nodes, 0, MODELS)
    after = copied(nodes)
    for _ in range(edits):
        edit(after, rng)
    new = graph(after, rng.choice((0, 5)), rng.choice((MODELS, RENUMBERED, {**MODELS, "a": "other"})))
    changes = diff(old, new).to_dict()
    assert applied(changes, old) == compared(new.to_dict())
    assert wrong(json.loads(json.dumps(changes)), "diff") is None


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_automatic_names_are_no_difference(seed):
    rng = random.Random(seed)
    nodes = random_nodes(rng)
    found = diff(graph(nodes, 0, MODELS), replace(graph(copied(nodes), 7, RENUMBERED), ops={"": {"Mul": 0}}))
    assert found.equal, [change.line() for change in found.changes]


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_any_other_difference_is_one(seed):
    rng = random.Random(seed)
    nodes = random_nodes(rng)
    after = copied(nodes)
    edit(after, rng)
    old, new = graph(nodes, 0, MODELS), graph(after, 0, MODELS)
    if compared(old.to_dict()) != compared(new.to_dict()):
        found = diff(old, new)
        same = applied(found.to_dict(), old) == compared(new.to_dict())
        assert same
        # A graph may come out the same but for names that Keras made up; then all names are such.
        assert not found.equal or found.to_dict()["names"]
        assert bool(lines(found)) != found.equal


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_one_edited_setting_is_one_change(seed):
    rng = random.Random(seed)
    nodes = random_nodes(rng)
    after = copied(nodes)
    node = rng.choice(after)
    node.settings["rate"] = 0.9
    [change] = diff(graph(nodes, 0, MODELS), graph(after, 3, RENUMBERED)).changes[:-1]
    assert change.kind == "layer-changed"
    assert change.line().endswith(": rate none -> 0.9")


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_another_output_is_one_change(seed):
    rng = random.Random(seed)
    nodes = random_nodes(rng)
    after = copied(nodes)
    rng.choice([node for node in after if node.sources]).output = 1
    [change] = diff(graph(nodes, 0, MODELS), graph(after, 3, RENUMBERED)).changes[:-1]
    assert change.kind == "inputs-changed"
    assert " takes output 2 of " in change.line()


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_one_inserted_layer_is_one_change(seed):
    rng = random.Random(seed)
    nodes = random_nodes(rng)
    after = copied(nodes)
    position = rng.choice([row for row, node in enumerate(after) if node.sources])
    node = after[position]
    new = Node("Flatten", 9, sources=[node.sources[0]], model=node.model)
    node.sources[0] = new
    after.insert(position, new)
    found = diff(graph(nodes, 0, MODELS), graph(after, 3, RENUMBERED))
    assert [change.kind for change in found.changes] == ["layers-added", "ops-changed"]
    assert len(found.changes[0].layers) == 1
    assert len(found.changes[0].instead_of) == 1


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_turning_it_round_swaps_what_came_and_what_went(seed):
    rng = random.Random(seed)
    nodes = random_nodes(rng)
    after = copied(nodes)
    for _ in range(3):
        edit(after, rng)
    one, other = graph(nodes, 0, MODELS), graph(after, 0, MODELS)
    assert diff(one, other).equal == diff(other, one).equal


def residual_net(blocks: int) -> list[Node]:
    """Blocks that are all alike, without a chosen name: only the ends say where one is."""
    last = Node("InputLayer", 1)
    nodes = [last]
    for _ in range(blocks):
        conv = Node("Conv1D", 1, sources=[last])
        norm = Node("BatchNormalization", 1, sources=[conv])
        last = Node("Add", 1, sources=[norm, last])
        nodes += [conv, norm, last]
    return [*nodes, Node("Dense", 3, sources=[last])]


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_edits_in_a_net_that_repeats_are_told_one_by_one(seed):
    rng = random.Random(seed)
    nodes = residual_net(15)
    after = copied(nodes)
    chosen = rng.sample(after[1:], 5)
    for node in chosen[:3]:
        node.size = 7
    for node in chosen[3:]:
        new = Node("Flatten", 9, sources=[node.sources[0]])
        node.sources[0] = new
        after.insert(after.index(node), new)
    found = diff(graph(nodes, 0, MODELS), graph(after, 3, MODELS))
    kinds = sorted(change.kind for change in found.changes if change.kind != "ops-changed")
    assert kinds == ["layer-changed"] * 3 + ["layers-added"] * 2, [change.line() for change in found.changes]


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_lost_skip_connections_are_told_one_by_one(seed):
    rng = random.Random(seed)
    nodes = residual_net(15)
    after = copied(nodes)
    for node in rng.sample([node for node in after if node.class_name == "Add"], 3):
        node.sources.pop()
    found = diff(graph(nodes, 0, MODELS), graph(after, 3, MODELS))
    assert [change.kind for change in found.changes if change.kind != "ops-changed"] == ["layer-rewired"] * 3
