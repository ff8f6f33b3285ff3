"""Changes to protobufs, JSON, text and bytes; each takes the generator of random numbers first."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

NUMBERS = [0, 1, -1, 2, 3, 7, 99, 127, 255, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53 + 1, 2**63 - 1, -(2**63), 10**30]
NAMES = [
    "",
    "a",
    "a/",
    "/a",
    "a//b",
    "/",
    "a/b/(b)",
    "__root__",
    "__function_library__f",
    "__proto__",
    "constructor",
    "x" * 300,
    "a/" * 60 + "b",
    "Größe 层 🙂 \u202e",
    'it\'s "quoted" \\',
    "line\nfeed\r\ttab\x00bell\x07\x1b[31m",
    "<script>alert(1)</script>",
    "name[0-5]",
    "MatMul_1",
    "=HYPERLINK(1)",
    "{0}%s%n",
    "NaN",
]
OP_TYPES = [
    "Const",
    "Identity",
    "NoOp",
    "Placeholder",
    "VariableV2",
    "VarHandleOp",
    "ReadVariableOp",
    "Switch",
    "Merge",
]
OP_TYPES += ["Enter", "Exit", "NextIteration", "LoopCond", "While", "If", "StatefulPartitionedCall", "ScalarSummary"]
OP_TYPES += [
    "Assign",
    "Shape",
    "Pack",
    "MatMul",
    "TensorArrayV3",
    "TensorArrayReadV3",
    "QueueDequeueV2",
    "IteratorGetNext",
]


# --- bytes and text --------------------------------------------------------------------------------------------------


def flip(rng: random.Random, data: bytes) -> bytes:
    """Damage bytes as a bad disk or a careless copy does."""
    if not data:
        return bytes([rng.randrange(256)])
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(len(changed)) if changed else 0
        how = rng.randrange(6)
        if how == 0 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif how == 1 and changed:
            changed[at] = rng.choice([0, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif how == 2:
            del changed[at : at + rng.choice([1, 2, 8, 64, 4096])]
        elif how == 3:
            changed[at:at] = rng.randbytes(rng.choice([1, 4, 64]))
        elif how == 4:
            part = changed[at : at + rng.choice([4, 16, 256])]
            to = rng.randrange(len(changed) + 1)
            changed[to:to] = part
        elif how == 5 and rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def garble(rng: random.Random, text: str) -> str:
    """Change lines and words of a text."""
    lines = text.split("\n")
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(lines)) if lines else 0
        how = rng.randrange(8)
        if not lines or how == 0:
            lines.insert(at, rng.choice([*NAMES, "}", "{", "[", "]]]", '"']))
        elif how == 1:
            del lines[at]
        elif how == 2:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif how == 3:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(
                [*NAMES, *map(str, NUMBERS), "nan", "-inf", "1e999", "{", "[["]
            )
            lines[at] = " ".join(words)
        elif how == 4:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        elif how == 5:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif how == 6 and rng.random() < 0.2:
            del lines[at:]
        elif how == 7 and rng.random() < 0.2:
            opening, closing = rng.choice([("[", "]"), ("{", "}"), ("node { ", "}"), ('{"a":', "}"), ("(", ")")])
            depth = rng.choice([50, 2_000, 100_000])
            lines[at] += opening * depth + (closing * depth if rng.random() < 0.5 else "")
    return "\n".join(lines)


# --- JSON ------------------------------------------------------------------------------------------------------------


def change_json(rng: random.Random, value: Any) -> Any:
    """Change some places of a JSON value; the value itself stays as it is."""
    changed = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        places = list(_places(changed))
        if not places:
            return _json_value(rng, value)
        holder, key = rng.choice(places)
        how = rng.randrange(8)
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
        elif how == 1:
            holder[rng.choice(NAMES)] = copy.deepcopy(holder[key])
        elif how in (2, 3):
            other, at = rng.choice(places)
            holder[key] = copy.deepcopy(other[at])
        elif how == 4 and isinstance(holder, list):
            rng.shuffle(holder)
        elif how == 5 and isinstance(holder[key], (int, float)):
            holder[key] += rng.choice([1, -1, 1000])
        else:
            holder[key] = _json_value(rng, holder[key])
    return changed


def json_text(rng: random.Random, value: Any) -> str:
    """A JSON value as text, seldom as a writer would write it."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.7, indent=rng.choice([None, None, 1]))
    how = rng.random()
    if how < 0.05:
        return garble(rng, text)
    if how < 0.07:
        return text.replace(":", ": NaN, ", 1)
    if how < 0.09:
        return text.replace("1", "1" * rng.choice([20, 5000]), 1)
    return text


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _json_value(rng: random.Random, near: Any) -> Any:
    how = rng.randrange(9)
    if how == 0:
        return rng.choice(NUMBERS)
    if how == 1:
        return rng.choice(NAMES)
    if how == 2:
        return rng.choice([None, True, False, 0.5, -1e308, float("nan"), float("inf"), "\ud800"])
    if how == 3:
        return rng.choice([[], {}, [[]], [{}], {"": None}, ["x", 0, 0], ["x", 0, 0, {}]])
    if how == 4:
        nested: Any = near
        for _ in range(rng.choice([3, 60, 300])):
            nested = (
                [nested] if rng.random() < 0.5 else {"config": nested, "class_name": "Sequential", "layers": [near]}
            )
        return nested
    if how == 5:
        return [near] * rng.choice([2, 50, 1000])
    if how == 6:
        return str(near)[:1000]
    if how == 7:
        return {"a": near}
    return [near, near]


# --- protobuf --------------------------------------------------------------------------------------------------------


def change_message(rng: random.Random, message: Any, strings: list[str]) -> None:
    """Change some fields of a message, at any depth, in place.

    Args:
        rng: Gives the choices.
        message: The message.
        strings: Texts that mean something in it: names of its nodes, say.
    """
    for _ in range(rng.choice([1, 1, 2, 4, 10])):
        target = message
        # Step down at random; most messages are deep, and the interesting fields are anywhere.
        while rng.random() < 0.8:
            below = list(_children(target))
            if not below:
                break
            target = rng.choice(below)
        fields = list(target.DESCRIPTOR.fields)
        if not fields:
            continue
        there = [field for field, _ in target.ListFields()]
        field = rng.choice(there if there and rng.random() < 0.8 else fields)
        _change_field(rng, target, field, strings)


def _children(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        if _is_map(field):
            if field.message_type.fields_by_name["value"].type == field.TYPE_MESSAGE:
                yield from (value[key] for key in sorted(value))
        elif field.is_repeated:
            yield from value
        else:
            yield value


def _is_map(field: Any) -> bool:
    return bool(
        field.type == field.TYPE_MESSAGE
        and field.message_type.has_options
        and field.message_type.GetOptions().map_entry
    )


def _change_field(rng: random.Random, message: Any, field: Any, strings: list[str]) -> None:
    value = getattr(message, field.name)
    if _is_map(field):
        keys = sorted(value)
        if keys and rng.random() < 0.5:
            del value[rng.choice(keys)]
        elif field.message_type.fields_by_name["value"].type == field.TYPE_MESSAGE:
            new = value[_map_key(rng, field)]
            if keys:
                new.CopyFrom(value[rng.choice(keys)])
        return
    if not field.is_repeated:
        if field.type == field.TYPE_MESSAGE:
            message.ClearField(field.name) if rng.random() < 0.5 else getattr(message, field.name).SetInParent()
        elif rng.random() < 0.1:
            message.ClearField(field.name)
        else:
            setattr(message, field.name, scalar(rng, field, strings, value))
        return
    how = rng.randrange(5)
    if len(value) and how == 0:
        del value[rng.randrange(len(value))]
    elif len(value) and how == 1:
        first, second = rng.randrange(len(value)), rng.randrange(len(value))
        if field.type == field.TYPE_MESSAGE:
            held = copy.deepcopy(value[first])
            value[first].CopyFrom(value[second])
            value[second].CopyFrom(held)
        else:
            value[first], value[second] = value[second], value[first]
    elif field.type == field.TYPE_MESSAGE:
        new = value.add()
        if len(value) > 1:
            new.CopyFrom(value[rng.randrange(len(value) - 1)])
    elif len(value) and how < 4:
        at = rng.randrange(len(value))
        value[at] = scalar(rng, field, strings, value[at])
    else:
        value.append(scalar(rng, field, strings, value[0] if len(value) else None))


def _map_key(rng: random.Random, field: Any) -> Any:
    kind = field.message_type.fields_by_name["key"]
    return rng.choice(NAMES) if kind.type == kind.TYPE_STRING else rng.randrange(100)


_RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}


def scalar(rng: random.Random, field: Any, strings: list[str], near: Any) -> Any:
    """A value for a field that is not a message."""
    if field.type == field.TYPE_STRING:
        return _string(rng, strings, near or "")
    if field.type == field.TYPE_BYTES:
        return flip(rng, near or b"") if rng.random() < 0.7 else _string(rng, strings, "").encode(errors="replace")
    if field.type == field.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == field.TYPE_ENUM:
        return rng.choice([*(value.number for value in field.enum_type.values), 9999])
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice([0.0, -1.0, float("nan"), float("inf"), 1e30])
    low, high = _RANGES.get(
        {field.TYPE_INT32: "int32", field.TYPE_INT64: "int64", field.TYPE_UINT64: "uint64"}.get(field.type, "uint32")
    ) or (0, 1)
    return min(max(rng.choice(NUMBERS), low), high)


def _string(rng: random.Random, strings: list[str], near: str) -> str:
    how = rng.randrange(9)
    known = rng.choice(strings) if strings else rng.choice(NAMES)
    if how < 3:
        return known
    if how == 3:
        return f"^{known}"
    if how == 4:
        return f"{known}:{rng.choice([0, 1, 2, 5, 2**31 - 1, 2**31, '9' * 40, -1, 'output:3', ''])}"
    if how == 5:
        return f"{known}/{near.rpartition('/')[2] or 'x'}"
    if how == 6:
        return known.rpartition("/")[0]
    if how == 7:
        return rng.choice(OP_TYPES)
    return rng.choice(NAMES)


# --- graphs ----------------------------------------------------------------------------------------------------------


def change_graph(rng: random.Random, graph: Any) -> None:
    """Change a ``GraphDef``: its topology and its names first, then any field."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        if len(graph.node):
            rng.choice(_GRAPH_CHANGES)(rng, graph)
    if rng.random() < 0.6:
        names = [node.name for node in graph.node] + [function.signature.name for function in graph.library.function]
        change_message(rng, graph, names[:2000])


def _rename(rng: random.Random, graph: Any) -> None:
    node = rng.choice(graph.node)
    other = rng.choice(graph.node)
    old = node.name
    new = rng.choice(
        [
            *NAMES,
            other.name,
            f"{other.name}/{old.rpartition('/')[2]}",
            f"{other.name}/read",
            "zz" + old,
            other.name + "_1",
        ]
    )
    node.name = new
    if rng.random() < 0.8:
        for reader in graph.node:
            reader.input[:] = [_renamed(text, old, new) for text in reader.input]


def _renamed(text: str, old: str, new: str) -> str:
    control, name = text[:1] == "^", text.lstrip("^")
    base, colon, rest = name.partition(":")
    return f"{'^' if control else ''}{new}{colon}{rest}" if base == old else text


def _read_itself(rng: random.Random, graph: Any) -> None:
    node = rng.choice(graph.node)
    node.input.insert(rng.randrange(len(node.input) + 1), rng.choice([node.name, f"{node.name}:1", f"^{node.name}"]))


def _cycle(rng: random.Random, graph: Any) -> None:
    first, second = rng.choice(graph.node), rng.choice(graph.node)
    first.input.append(second.name)
    second.input.append(first.name)


def _retype(rng: random.Random, graph: Any) -> None:
    functions = [function.signature.name for function in graph.library.function]
    rng.choice(graph.node).op = rng.choice([*OP_TYPES, *functions, ""])


def _series(rng: random.Random, graph: Any) -> None:
    like = copy.deepcopy(rng.choice(graph.node))
    for number in range(rng.choice([5, 20])):
        new = graph.node.add()
        new.CopyFrom(like)
        new.name = f"{like.name}_{number}"
        if number and rng.random() < 0.5:
            new.input.append(f"{like.name}_{number - 1}")


def _constant_scope(rng: random.Random, graph: Any) -> None:
    """A constant whose name is also the scope of what reads it, last in the order of names."""
    name = rng.choice(["zz", "zzz/w", rng.choice(graph.node).name + "z"])
    graph.node.add(name=name, op="Const")
    graph.node.add(name=f"{name}/read", op="Identity", input=[name])


def _hub(rng: random.Random, graph: Any) -> None:
    name = rng.choice(graph.node).name
    for node in rng.sample(list(graph.node), min(len(graph.node), 30)):
        node.input.append(rng.choice([name, f"^{name}"]))


def _function(rng: random.Random, graph: Any) -> None:
    """A library function of some of the nodes, called by its type or by an attribute."""
    name = rng.choice(["f", "f", "g", rng.choice(NAMES) or "f"])
    function = graph.library.function.add()
    function.signature.name = name
    for number in range(rng.randrange(3)):
        function.signature.input_arg.add(name=f"x{number}", type=1)
        function.signature.output_arg.add(name=f"y{number}", type=1)
        function.ret[f"y{number}"] = rng.choice([f"x{number}", "n:y:0", "", f"{name}:0"])
    for node in rng.sample(list(graph.node), min(len(graph.node), 4)):
        function.node_def.add().CopyFrom(node)
    if rng.random() < 0.5:
        function.node_def.add(name="again", op=name, input=["x0"])
    caller = rng.choice(graph.node)
    if rng.random() < 0.5:
        caller.op = name
    else:
        caller.op = rng.choice(["PartitionedCall", "StatefulPartitionedCall", "While", "If", "StatelessWhile"])
        for attribute in ("f", "cond", "body", "then_branch", "else_branch"):
            caller.attr[attribute].func.name = name


def _cut(rng: random.Random, graph: Any) -> None:
    del graph.node[rng.randrange(len(graph.node)) :: rng.choice([1, 2, 3])]


def _shuffle(rng: random.Random, graph: Any) -> None:
    nodes = list(graph.node)
    rng.shuffle(nodes)
    held = [copy.deepcopy(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(held)


_GRAPH_CHANGES: list[Callable[[random.Random, Any], None]] = [
    _rename,
    _rename,
    _read_itself,
    _cycle,
    _retype,
    _retype,
    _series,
    _constant_scope,
    _hub,
    _function,
    _function,
    _cut,
    _shuffle,
]
