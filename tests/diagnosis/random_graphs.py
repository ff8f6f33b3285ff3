"""Random TensorFlow graphs, and what their tensors really depend on.

A graph is made by a random program over four kinds of tensors: vectors of floats of any length, single floats, single
small ints and single bools. It uses arithmetic, shapes, conditionals, loops, functions and everything that holds state.
Ops on one state always stand in the order of the program, by control dependencies or by data: what TensorFlow itself
leaves open would look like a dependence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
from tensorflow.python.framework import function

v1 = tf.compat.v1
raw = tf.raw_ops

VECTORS = {"x": 4, "y": 3}
NUMBERS = ("s",)
NOT_ALIVE = "not alive"
FAILS = "fails"


@dataclass
class Pool:
    """The tensors that a program may use."""

    vectors: list[Any] = field(default_factory=list)
    numbers: list[Any] = field(default_factory=list)
    ints: list[Any] = field(default_factory=list)
    bools: list[Any] = field(default_factory=list)

    def copy(self) -> Pool:
        return Pool(list(self.vectors), list(self.numbers), list(self.ints), list(self.bools))


@dataclass
class Store:
    """Something that holds state: how to read it, how to write it, and the op that touched it last."""

    read: Callable[[Pool], None]
    write: Callable[[Pool], Any]
    last: Any = None
    anywhere: bool = True


@dataclass(frozen=True)
class Made:
    """A random graph.

    Attributes:
        graph_def: The graph.
        inputs: Names of the model's inputs.
        flags: Names of other feeds.
        variables: Names of the variables, and whether they are references of TF 1.
        values: Names of tensors that can be fetched together.
        inside: Names of tensors inside TF 1 conditionals, which may not be alive.
    """

    graph_def: Any
    inputs: Sequence[str]
    flags: Sequence[str]
    variables: Mapping[str, bool]
    values: Sequence[str]
    inside: Sequence[str]


def make_graph(rng: Random, tf1: bool, steps: int = 10) -> Made:
    """Make a random graph.

    Args:
        rng: Where randomness comes from.
        tf1: Whether conditionals and loops are those of TF 1 (``Switch``, ``Merge``), or functions as in TF 2.
        steps: How many steps the program has at the top level.

    Returns:
        The graph.
    """
    (v1.disable_control_flow_v2 if tf1 else v1.enable_control_flow_v2)()
    try:
        return _Program(rng, tf1).make(steps)
    finally:
        v1.enable_control_flow_v2()


class _Program:
    def __init__(self, rng: Random, tf1: bool) -> None:
        self.rng = rng
        self.tf1 = tf1
        self.graph = tf.Graph()
        self.stores: list[Store] = []
        self.variables: dict[str, bool] = {}
        self.conditional_ops: set[str] = set()
        self.count = 0

    def make(self, steps: int) -> Made:
        with self.graph.as_default():
            pool = Pool()
            pool.vectors = [v1.placeholder(tf.float32, [size], name=name) for name, size in VECTORS.items()]
            pool.numbers = [v1.placeholder(tf.float32, [], name=name) for name in NUMBERS]
            pool.numbers.append(tf.constant(1.5))
            pool.ints = [tf.constant(2), tf.constant(1)]
            pool.bools = [v1.placeholder_with_default(False, [], name="flag")]
            self.make_stores()
            self.block(pool, steps, 0)
        tensors = [
            tensor
            for op in self.graph.get_operations()
            for tensor in op.outputs
            if tensor.dtype in (tf.float32, tf.int32, tf.int64, tf.bool)
        ]
        return Made(
            graph_def=self.graph.as_graph_def(),
            inputs=[*VECTORS, *NUMBERS],
            flags=["flag"],
            variables=self.variables,
            values=[tensor.name for tensor in tensors if not self.inside(tensor.op)],
            inside=[tensor.name for tensor in tensors if self.inside(tensor.op) == "Cond"],
        )

    def inside(self, op: Any) -> str:
        """Whether an op lies in loops of TF 1 (``While``), or in conditionals alone (``Cond``)."""
        found = "Cond" if op.type == "Switch" or op.name in self.conditional_ops else ""
        context = op._get_control_flow_context()
        while context is not None:
            found = "While" if context.IsWhileContext() or found == "While" else "Cond"
            context = context.outer_context
        return found

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}_{self.count}"

    # --- choices ---------------------------------------------------------------------------------------------------

    def vector(self, pool: Pool) -> Any:
        return self.rng.choice(pool.vectors[-5:])

    def number(self, pool: Pool) -> Any:
        return self.rng.choice(pool.numbers[-5:])

    def int(self, pool: Pool) -> Any:
        return self.rng.choice(pool.ints[-4:])

    def bool(self, pool: Pool) -> Any:
        return self.rng.choice(pool.bools[-3:])

    def block(self, pool: Pool, steps: int, depth: int) -> tuple[Any, Any]:
        """A few random steps; gives a vector and a number."""
        for _ in range(steps):
            self.rng.choice(self.STEPS_DEEP if depth > 1 else self.STEPS)(self, pool, depth)
        return self.vector(pool), self.number(pool)

    # --- steps: one op or a few ------------------------------------------------------------------------------------

    def arithmetic(self, pool: Pool, depth: int) -> None:
        vector, number = self.vector(pool), self.number(pool)
        kind = self.rng.randrange(7)
        if kind == 0:
            pool.vectors.append(vector * number)
        elif kind == 1:
            pool.vectors.append(tf.nn.relu(vector - number))
        elif kind == 2:
            pool.numbers.append(number + self.number(pool))
        elif kind == 3:
            pool.vectors.append(tf.cumsum(tf.tanh(vector)))
        elif kind == 4:
            pool.numbers.append(tf.where(self.bool(pool), number, self.number(pool)))
        elif kind == 5:
            pool.vectors.append(tf.where(vector > number, vector, tf.zeros_like(vector)))
        else:
            pool.numbers.append(tf.cast(self.int(pool), tf.float32) * 0.5)

    def compare(self, pool: Pool, depth: int) -> None:
        kind = self.rng.randrange(5)
        if kind == 0:
            pool.bools.append(self.number(pool) > self.number(pool))
        elif kind == 1:
            pool.bools.append(tf.size(self.vector(pool)) > self.int(pool))
        elif kind == 2:
            pool.bools.append(tf.math.logical_xor(self.bool(pool), self.bool(pool)))
        elif kind == 3:
            pool.bools.append(tf.reduce_any(self.vector(pool) > self.number(pool)))
        else:
            pool.bools.append(tf.equal(self.int(pool), self.int(pool)))

    def count_up(self, pool: Pool, depth: int) -> None:
        kind = self.rng.randrange(4)
        if kind == 0:
            number = self.number(pool)
            whole = tf.clip_by_value(tf.where(tf.math.is_finite(number), tf.abs(number), 0.0), 0.0, 9.0)
            pool.ints.append(tf.cast(tf.floor(whole), tf.int32) % 4)
        elif kind == 1:
            pool.ints.append(tf.size(self.vector(pool)) % 4)
        elif kind == 2:
            pool.ints.append((self.int(pool) + self.int(pool)) % 4)
        else:
            pool.ints.append(tf.rank(self.vector(pool)) + tf.shape(self.vector(pool))[0] % 2)

    def reduce(self, pool: Pool, depth: int) -> None:
        vector = self.vector(pool)
        kind = self.rng.randrange(5)
        if kind == 0:
            pool.numbers.append(tf.reduce_sum(vector))
        elif kind == 1:
            pool.numbers.append(tf.reduce_sum(tf.ones_like(vector)))
        elif kind == 2:
            pool.numbers.append(tf.reduce_sum(tf.zeros_like(vector) + self.number(pool)))
        elif kind == 3:
            pool.numbers.append(tf.linalg.matmul(vector[None, :], vector[:, None])[0, 0])
        else:
            pool.numbers.append(tf.cast(tf.size(vector), tf.float32))

    def reshape(self, pool: Pool, depth: int) -> None:
        vector, number, amount = self.vector(pool), self.number(pool), self.int(pool)
        kind = self.rng.randrange(29)
        size = tf.size(vector)
        if kind == 0:
            pool.vectors.append(tf.boolean_mask(vector, vector > number))
        elif kind == 1:
            pool.vectors.append(tf.concat([vector, self.vector(pool)], 0)[:32])
        elif kind == 2:
            pool.vectors.append(tf.tile(vector[:8], [amount]))
        elif kind == 3:
            pool.vectors.append(vector[:amount])
        elif kind == 4:
            pool.vectors.append(tf.fill([amount], number))
        elif kind == 5:
            pool.vectors.append(tf.cast(tf.range(amount), tf.float32))
        elif kind == 6:
            pool.vectors.append(tf.unique(vector)[0])
        elif kind == 7:
            pool.vectors.append(tf.reverse(vector, [0]))
        elif kind == 8:
            pool.vectors.append(tf.math.top_k(vector, tf.minimum(amount, size))[0])
        elif kind == 9:
            pool.vectors.append(tf.reshape(tf.one_hot([amount, 1], 3), [-1]))
        elif kind == 10:
            pool.vectors.append(tf.pad(vector, [[amount, 0]])[:32])
        elif kind == 11:
            pool.vectors.append(tf.reshape(tf.reshape(vector, [-1, 1]), [size]))
        elif kind == 12:
            pool.vectors.append(tf.ones_like(vector) if self.rng.random() < 0.5 else tf.zeros_like(vector))
        elif kind == 13:
            pool.vectors.append(tf.broadcast_to(number, [amount]))
        elif kind == 14:
            pool.vectors.append(tf.stack([number, self.number(pool)]))
        elif kind == 15:
            parts = tf.dynamic_partition(vector, tf.cast(vector > number, tf.int32), 2)
            pool.vectors.append(self.rng.choice(parts))
        elif kind == 16:
            padded = tf.concat([vector, tf.zeros([4])], 0)
            pool.vectors.append(tf.gather(padded, [amount, 0]))
        elif kind == 17:
            pool.vectors.append(tf.cast(tf.math.bincount(tf.stack([amount, 1])), tf.float32))
        elif kind == 18:
            pool.vectors.append(tf.cast(tf.reshape(tf.where(vector > number), [-1]), tf.float32))
        elif kind == 19:
            rows = tf.ragged.boolean_mask(tf.tile(vector[None, :8], [2, 1]), tf.tile(vector[None, :8] > number, [2, 1]))
            pool.vectors.append(tf.cast(rows.row_lengths(), tf.float32))
        elif kind == 20:
            pool.vectors.append(tf.sparse.from_dense(vector[None, :]).values)
        elif kind == 21:
            pool.vectors.append(tf.cast(tf.strings.length(tf.strings.as_string(vector)), tf.float32))
        elif kind == 22:
            pool.vectors.append(tf.cast(tf.searchsorted(tf.sort(vector), [number]), tf.float32))
        elif kind == 23:
            pool.vectors.append(tf.scatter_nd([[0], [1]], tf.stack([number, 1.0]), [amount + 2]))
        elif kind == 24:
            pool.vectors.append(tf.math.unsorted_segment_max(tf.stack([number, 1.0]), [0, 1], amount + 2))
        elif kind == 25:
            pool.vectors.append(tf.cast(tf.sequence_mask(amount, 4), tf.float32))
        elif kind == 26:
            near = raw.NearestNeighbors(points=vector[:1, None], centers=tf.ones([5, 1]), k=tf.cast(amount, tf.int64))
            pool.vectors.append(self.as_vector(near[1]))
        elif kind == 27:
            kept = tf.image.non_max_suppression(tf.tile(tf.constant([[0.0, 0, 1, 1]]), [size, 1]), vector, amount)
            pool.vectors.append(tf.cast(kept, tf.float32))
        else:
            pool.vectors.append(tf.math.segment_sum(tf.stack([number, 1.0, 2.0]), tf.stack([0, 1, 1 + amount % 2])))

    def draw(self, pool: Pool, depth: int) -> None:
        size = tf.size(self.vector(pool)) if self.rng.random() < 0.5 else self.int(pool)
        # Where a function is called twice, its calls share the state of a random op, in no certain order.
        if v1.get_default_graph() is self.graph and self.rng.random() < 0.6:
            pool.vectors.append(v1.random_uniform([size], seed=self.rng.randrange(99)))
        else:
            pool.vectors.append(tf.random.stateless_uniform([size], seed=tf.stack([self.int(pool), 7])))

    # --- steps: control flow and functions -------------------------------------------------------------------------

    def conditional(self, pool: Pool, depth: int) -> None:
        with self.in_order() as done:
            predicate = tf.identity(self.bool(pool))
            steps = [self.rng.randrange(4) for _ in range(2)]

            def branch(number: int) -> Callable[[], tuple[Any, Any]]:
                return lambda: self.inner(pool, steps[number], depth)

            choose = v1.cond if self.tf1 else tf.cond
            vector, result = choose(predicate, branch(0), branch(1))
            done(vector, result)
        pool.vectors.append(self.as_vector(vector))
        pool.numbers.append(result)

    def switch(self, pool: Pool, depth: int) -> None:
        if self.tf1:
            self.conditional(pool, depth)
            return
        with self.in_order() as done:
            branches = [lambda: self.inner(pool, self.rng.randrange(3), depth) for _ in range(3)]
            vector, result = tf.switch_case(tf.identity(self.int(pool)), branches)
            done(vector, result)
        pool.vectors.append(self.as_vector(vector))
        pool.numbers.append(result)

    def loop(self, pool: Pool, depth: int) -> None:
        limit, until, steps = self.int(pool), self.number(pool), self.rng.randrange(1, 4)
        start = self.vector(pool), self.number(pool), self.number(pool), self.number(pool)
        also = self.rng.random() < 0.3
        # What the last two become: what they were, one another, or what the loop computes.
        becomes = [self.rng.randrange(3) for _ in range(2)]

        def condition(counter: Any, vector: Any, number: Any, left: Any, right: Any) -> Any:
            return tf.logical_and(counter < limit, number < until) if also else counter < limit

        def body(counter: Any, vector: Any, number: Any, left: Any, right: Any) -> Any:
            inside = pool.copy()
            inside.vectors.append(vector)
            inside.numbers += [number, right]
            if self.rng.random() < 0.5:
                inside.ints.append(counter)
            new_vector, new_number = self.inner(inside, steps, depth)
            with tf.control_dependencies([new_number]):
                handed_on = [
                    (own, other, new_number)[kind]
                    for own, other, kind in zip((left, right), (right, left), becomes, strict=True)
                ]
                return counter + 1, new_vector[:16], new_number, *handed_on

        with self.in_order() as done:
            variables = [tf.constant(0), tf.identity(self.as_vector(start[0])), *map(tf.identity, start[1:])]
            shapes = [tf.TensorShape(shape) for shape in ([], [None], [], [], [])]
            repeat = v1.while_loop if self.tf1 else tf.while_loop
            counter, vector, *numbers = repeat(condition, body, variables, shape_invariants=shapes)
            done(counter, vector, *numbers)
        pool.ints.append(counter)
        pool.vectors.append(vector)
        pool.numbers += numbers

    def over_elements(self, pool: Pool, depth: int) -> None:
        """A loop over the elements of a vector, as ``tf.scan`` and ``tf.map_fn`` make it."""
        vector, number = self.as_vector(self.vector(pool)), self.number(pool)
        if self.rng.random() < 0.5:
            pool.vectors.append(tf.scan(lambda before, element: before * 0.5 + element, vector, number))
        else:
            pool.vectors.append(tf.map_fn(lambda element: element * number, vector))

    def merge(self, pool: Pool, depth: int) -> None:
        """Bare ``Switch`` and ``Merge``, of predicates that need not complete each other."""
        if depth:
            return
        before = {op.name for op in self.graph.get_operations()}
        first, second = self.bool(pool), self.bool(pool)
        here = raw.Switch(data=self.number(pool), pred=first)[1]
        only_second = raw.LogicalAnd(x=raw.LogicalNot(x=first), y=second)
        there = raw.Switch(data=self.number(pool), pred=only_second)[1]
        perhaps = raw.Merge(inputs=[here + 1.0, there])
        neither = raw.Switch(data=self.number(pool), pred=raw.LogicalOr(x=first, y=second))[0]
        made = {op.name for op in self.graph.get_operations()} - before
        self.conditional_ops |= {name for name in made if "Logical" not in name and "Const" not in name}
        chosen = raw.Merge(inputs=[perhaps[0], neither])
        pool.numbers.append(chosen[0])
        pool.ints.append(chosen[1])
        for tensor in chosen:
            tensor.set_shape([])

    def gradient(self, pool: Pool, depth: int) -> None:
        """The gradient of a number, through all that it was computed by."""
        if depth:
            return
        number, vector = self.number(pool), self.vector(pool)
        with contextlib.suppress(LookupError, ValueError, TypeError, NotImplementedError):
            (gradient,) = v1.gradients(number, [vector], stop_gradients=[vector])
            if gradient is not None:
                pool.vectors.append(self.as_vector(tf.convert_to_tensor(gradient)))

    def call(self, pool: Pool, depth: int) -> None:
        steps = self.rng.randrange(1, 4)
        spec = [tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)]
        captures = self.rng.random() < 0.5

        def body(vector: Any, number: Any, amount: Any) -> Any:
            inside = pool.copy() if captures else Pool(bools=[tf.constant(True)])
            inside.vectors.append(vector)
            inside.numbers.append(number)
            inside.ints.append(amount)
            return self.inner(inside, steps, depth)

        called = tf.function(body, input_signature=spec, autograph=False)
        for _ in range(self.rng.randrange(1, 3)):
            with self.in_order() as done:
                arguments = tf.identity(self.as_vector(self.vector(pool))), self.number(pool), self.int(pool)
                vector, number = called(*arguments)
                done(vector, number)
            pool.vectors.append(vector)
            pool.numbers.append(number)

    def call_by_type(self, pool: Pool, depth: int) -> None:
        """A function as TF 1 called it: its name is the op's type."""
        kind = self.rng.randrange(3)

        def body(vector: Any, number: Any) -> Any:
            if kind == 0:
                return tf.reduce_sum(vector) * number
            return tf.cast(tf.size(vector), tf.float32) if kind == 1 else number + 1.0

        called = function.Defun(tf.float32, tf.float32, func_name=self.name("defun"))(body)
        number = called(self.vector(pool), self.number(pool))
        number.set_shape([])
        pool.numbers.append(number)

    def alias(self, pool: Pool, depth: int) -> None:
        """A function that writes behind one handle and reads behind another, which may be the same."""
        if depth or self.tf1:
            return
        handles = [raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name=self.name("alias")) for _ in range(2)]

        @tf.function(
            input_signature=[tf.TensorSpec([], tf.resource), tf.TensorSpec([], tf.resource), tf.TensorSpec([])],
            autograph=False,
        )
        def body(left: Any, right: Any, number: Any) -> Any:
            first = raw.AssignVariableOp(resource=right, value=1.0)
            with tf.control_dependencies([first]):
                second = raw.AssignVariableOp(resource=left, value=number)
            with tf.control_dependencies([second]):
                return raw.ReadVariableOp(resource=right, dtype=tf.float32)

        right = handles[0] if self.rng.random() < 0.5 else handles[1]
        number = body(handles[0], right, self.number(pool))
        with tf.control_dependencies([number]):
            pool.numbers.append(raw.ReadVariableOp(resource=handles[0], dtype=tf.float32))
        pool.numbers.append(number)

    def default(self, pool: Pool, depth: int) -> None:
        if not depth:
            pool.numbers.append(v1.placeholder_with_default(self.number(pool), []))

    def elements(self, pool: Pool, depth: int) -> None:
        """A TensorArray: in TF 1 behind a handle, in TF 2 a list that is a value."""
        kind = self.rng.randrange(4)
        if kind == 0:
            array = tf.TensorArray(tf.float32, size=0, dynamic_size=True).unstack(self.vector(pool))
            pool.numbers.append(tf.reduce_sum(array.stack()))
            return
        size = self.rng.choice([1, self.int(pool) + 1])
        array = tf.TensorArray(tf.float32, size=size, dynamic_size=True, infer_shape=False)
        if kind == 1:
            place = self.int(pool)
            pool.vectors.append(self.as_vector(array.write(place, self.vector(pool)).read(place)))
        elif kind == 2:
            pool.ints.append(array.write(self.int(pool), self.vector(pool)).size() % 4)
        else:
            array = tf.TensorArray(tf.float32, size=1, dynamic_size=True, infer_shape=False, element_shape=[None])
            array = array.write(0, self.vector(pool)).write(1, self.vector(pool))
            pool.vectors.append(self.as_vector(array.concat()))

    # --- state -----------------------------------------------------------------------------------------------------

    def make_stores(self) -> None:
        for _ in range(self.rng.randrange(3)):
            self.rng.choice([self.make_variable, self.make_pair, self.make_table, self.make_generator])()
        if self.tf1 and self.rng.random() < 0.5:
            self.make_reference()

    def make_variable(self) -> None:
        name = self.name("resource")
        variable = raw.VarHandleOp(dtype=tf.float32, shape=[None], shared_name=name, name=name)
        self.variables[name] = False

        def read(pool: Pool) -> None:
            value = raw.ReadVariableOp(resource=variable, dtype=tf.float32)
            pool.vectors.append(self.as_vector(value))
            if self.rng.random() < 0.5:
                pool.ints.append(raw.VariableShape(input=variable)[0] % 4)

        def write(pool: Pool) -> Any:
            return raw.AssignVariableOp(resource=variable, value=self.vector(pool))

        self.stores.append(Store(read, write))

    def make_pair(self) -> None:
        """A variable of two numbers, which are read and written one by one."""
        name = self.name("pair")
        variable = raw.VarHandleOp(dtype=tf.float32, shape=[2], shared_name=name, name=name)
        self.variables[name] = False

        def read(pool: Pool) -> None:
            place = self.int(pool) % 2
            pool.vectors.append(raw.ResourceGather(resource=variable, indices=[place], dtype=tf.float32))

        def write(pool: Pool) -> Any:
            number, kind = self.number(pool), self.rng.randrange(4)
            if kind == 0:
                return raw.AssignAddVariableOp(resource=variable, value=tf.stack([number, 1.0]))
            if kind == 1:
                return raw.ResourceScatterUpdate(resource=variable, indices=[self.int(pool) % 2], updates=[number])
            if kind == 2:
                return raw.ResourceApplyGradientDescent(var=variable, alpha=number, delta=[1.0, 2.0])
            return raw.ResourceStridedSliceAssign(
                ref=variable, begin=[0], end=[1], strides=[1], value=tf.reshape(number, [1])
            )

        self.stores.append(Store(read, write))

    def make_reference(self) -> None:
        name = self.name("reference")
        variable = raw.VariableV2(shape=[], dtype=tf.float32, shared_name=name, name=name)
        self.variables[name] = True

        def read(pool: Pool) -> None:
            # A copy: what Identity gives may still change with the variable.
            pool.numbers.append(tf.add(variable, 0.0))

        def write(pool: Pool) -> Any:
            if self.rng.random() < 0.5:
                return v1.assign_add(variable, self.number(pool)).op
            assigned = v1.assign(variable, self.number(pool))
            pool.numbers.append(tf.add(assigned, 0.0))
            return pool.numbers[-1].op

        self.stores.append(Store(read, write, anywhere=False))

    def references(self, pool: Pool, depth: int) -> None:
        """One of two variables of TF 1, chosen by an index or a predicate; read and written by both ways."""
        if depth or not self.tf1:
            return
        names = [self.name("one_of") for _ in range(2)]
        self.variables |= dict.fromkeys(names, True)
        first, second = (raw.VariableV2(shape=[], dtype=tf.float32, shared_name=name, name=name) for name in names)
        if self.rng.random() < 0.5:
            chosen = raw.RefSelect(index=self.int(pool) % 2, inputs=[first, second])
        else:
            predicate = self.bool(pool)
            switched = [
                raw.RefSwitch(data=reference, pred=predicate)[way] for way, reference in enumerate((first, second))
            ]
            self.conditional_ops |= {reference.op.name for reference in switched}
            chosen = raw.RefMerge(inputs=switched)[0]
        last = chosen
        for _ in range(4):
            reference = self.rng.choice([first, second, chosen, chosen])
            with tf.control_dependencies([last]):
                if self.rng.random() < 0.5:
                    last = v1.assign(reference, self.number(pool)).op
                else:
                    pool.numbers.append(tf.add(reference, 0.0))
                    pool.numbers[-1].set_shape([])
                    last = pool.numbers[-1].op

    def ask(self, pool: Pool, depth: int) -> None:
        """Whether a variable is set, which a conditional did or did not."""
        if depth:
            return
        variable = raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name=self.name("unset"))

        def write() -> Any:
            with tf.control_dependencies([raw.AssignVariableOp(resource=variable, value=1.0)]):
                return tf.constant(0.0)

        choose = v1.cond if self.tf1 else tf.cond
        with tf.control_dependencies([choose(tf.identity(self.bool(pool)), write, lambda: tf.constant(0.0))]):
            if self.rng.random() < 0.5:
                pool.bools.append(raw.VarIsInitializedOp(resource=variable))
                return
            asking = tf.function(
                lambda handle: raw.VarIsInitializedOp(resource=handle),
                input_signature=[tf.TensorSpec([], tf.resource)],
                autograph=False,
            )
            pool.bools.append(asking(variable))

    def make_table(self) -> None:
        name = self.name("table")
        table = raw.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.float32, shared_name=name)

        def read(pool: Pool) -> None:
            key = tf.cast(self.int(pool), tf.int64)
            found = raw.LookupTableFindV2(table_handle=table, keys=key, default_value=0.25)
            pool.numbers.append(tf.reshape(found, []))
            if self.rng.random() < 0.5:
                pool.ints.append(tf.cast(raw.LookupTableSizeV2(table_handle=table), tf.int32))

        def write(pool: Pool) -> Any:
            key = tf.cast(self.int(pool), tf.int64)
            if self.rng.random() < 0.3:
                return raw.LookupTableRemoveV2(table_handle=table, keys=tf.reshape(key, [1]))
            return raw.LookupTableInsertV2(table_handle=table, keys=key, values=self.number(pool))

        self.stores.append(Store(read, write))

    def make_generator(self) -> None:
        name = self.name("generator")
        state = raw.VarHandleOp(dtype=tf.int64, shape=[3], shared_name=name, name=name)
        started = raw.AssignVariableOp(resource=state, value=tf.constant([1, 2, 3], tf.int64))

        def read(pool: Pool) -> None:
            drawn = raw.StatefulUniform(resource=state, algorithm=tf.constant(1, tf.int64), shape=[2], dtype=tf.float32)
            pool.vectors.append(drawn)

        def write(pool: Pool) -> Any:
            delta = tf.cast(self.int(pool), tf.int64)
            return raw.RngSkip(resource=state, algorithm=tf.constant(1, tf.int64), delta=delta)

        self.stores.append(Store(read, write, last=started))

    def touch(self, pool: Pool, depth: int) -> None:
        # A function cannot take a reference.
        within_reach = [store for store in self.stores if store.anywhere or v1.get_default_graph() is self.graph]
        if not within_reach:
            self.arithmetic(pool, depth)
            return
        store = self.rng.choice(within_reach)
        with tf.control_dependencies(self.here([store])):
            if self.rng.random() < 0.5:
                before = len(tf.compat.v1.get_default_graph().get_operations())
                store.read(pool)
                read = [
                    op for op in v1.get_default_graph().get_operations()[before:] if op.type not in ("Const", "Pack")
                ]
                store.last = tf.group(*read)
            else:
                store.last = store.write(pool)

    def queue(self, pool: Pool, depth: int) -> None:
        """A queue of two numbers, of which a conditional takes one, or not."""
        if depth:
            return
        queue = raw.FIFOQueueV2(component_types=[tf.float32], shapes=[[]], shared_name=self.name("queue"))
        value = self.rng.choice([tf.constant(3.0), self.number(pool)])
        first = raw.QueueEnqueueV2(handle=queue, components=[value])
        with tf.control_dependencies([first]):
            value = self.rng.choice([tf.constant(4.0), self.number(pool)])
            second = raw.QueueEnqueueV2(handle=queue, components=[value])
        with tf.control_dependencies([second]):
            predicate = tf.identity(self.bool(pool))
        choose = v1.cond if self.tf1 else tf.cond
        taken = choose(
            predicate,
            lambda: raw.QueueDequeueV2(handle=queue, component_types=[tf.float32])[0],
            lambda: tf.constant(0.0),
        )
        with tf.control_dependencies([taken]):
            pool.numbers.append(raw.QueueDequeueV2(handle=queue, component_types=[tf.float32])[0])
        pool.numbers.append(taken)
        for number in pool.numbers[-2:]:
            number.set_shape([])

    def stack(self, pool: Pool, depth: int) -> None:
        if depth:
            return
        stack = raw.StackV2(max_size=9, elem_type=tf.float32, stack_name=self.name("stack"))
        pushed = raw.StackPushV2(handle=stack, elem=self.vector(pool))
        with tf.control_dependencies([pushed]):
            pool.vectors.append(self.as_vector(raw.StackPopV2(handle=stack, elem_type=tf.float32)))

    def stage(self, pool: Pool, depth: int) -> None:
        if depth:
            return
        name = self.name("stage")
        staged = raw.Stage(values=[self.vector(pool)], shared_name=name)
        with tf.control_dependencies([staged]):
            pool.vectors.append(self.as_vector(raw.Unstage(dtypes=[tf.float32], shared_name=name)[0]))

    # --- order -----------------------------------------------------------------------------------------------------

    def here(self, stores: Sequence[Store]) -> list[Any]:
        """The last ops on some states, as far as they are in the graph that is being built."""
        graph = v1.get_default_graph()
        return [store.last for store in stores if store.last is not None and store.last.graph is graph]

    def after_all(self) -> Any:
        return tf.control_dependencies(self.here(self.stores))

    def inner(self, pool: Pool, steps: int, depth: int) -> tuple[Any, Any]:
        """A block inside a branch, a loop or a function; its results come after all that it does to states."""
        before = [store.last for store in self.stores]
        vector, number = self.block(pool.copy(), steps, depth + 1)
        with self.after_all():
            results = tf.identity(self.as_vector(vector)), tf.identity(number)
        for store, last in zip(self.stores, before, strict=True):
            store.last = last
        return results

    @contextlib.contextmanager
    def in_order(self) -> Iterator[Callable[..., None]]:
        """Puts a construct after what was done to states so far, and before what comes."""
        before = [store.last for store in self.stores]
        with self.after_all():
            results: list[Any] = []
            yield lambda *tensors: results.extend(tensors)
        for store, last in zip(self.stores, before, strict=True):
            store.last = tf.group(*results) if results else last

    @staticmethod
    def as_vector(tensor: Any) -> Any:
        """The same tensor, known to be a vector."""
        return tf.reshape(tensor, [-1])

    STEPS_DEEP = (arithmetic, compare, count_up, reduce, reshape, reshape, touch, draw, elements, over_elements)
    STEPS = (
        *STEPS_DEEP,
        *(conditional, conditional, loop, loop, switch, call, call_by_type, alias, default, queue, stack, stage),
        *(merge, gradient, references, ask),
        touch,
        touch,
    )


# --- running -------------------------------------------------------------------------------------------------------


class Runner:
    """Runs a graph; each time from the beginning."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.import_graph_def(made.graph_def, name="")
            self.start = []
            for name, is_reference in made.variables.items():
                handle = self.graph.get_tensor_by_name(f"{name}:0")
                value = v1.placeholder(tf.float32, [] if is_reference else [2], name=f"start/{name}")
                self.start.append(
                    raw.Assign(ref=handle, value=value).op
                    if is_reference
                    else raw.AssignVariableOp(resource=handle, value=value)
                )
        self.config = config_pb2.ConfigProto(inter_op_parallelism_threads=1, intra_op_parallelism_threads=1)
        self.config.graph_options.rewrite_options.disable_meta_optimizer = True
        self.config.graph_options.rewrite_options.constant_folding = rewriter_config_pb2.RewriterConfig.OFF
        self.config.graph_options.optimizer_options.opt_level = config_pb2.OptimizerOptions.L0

    def run(self, names: Sequence[str], inputs: int, variables: int) -> Any:
        """Values of some tensors.

        Args:
            names: The tensors.
            inputs: Chooses the values of the model's inputs.
            variables: Chooses what the variables hold at first.

        Returns:
            The values, `NOT_ALIVE` or `FAILS`.
        """
        fed = np.random.default_rng([1, inputs])
        feeds: dict[str, Any] = {f"{name}:0": fed.normal(0, 2, size) for name, size in VECTORS.items()}
        feeds |= {f"{name}:0": fed.normal(0, 2) for name in NUMBERS}
        held = np.random.default_rng([2, variables])
        start = {
            f"start/{name}:0": held.normal(0, 2, None if is_reference else 2)
            for name, is_reference in self.made.variables.items()
        }
        with v1.Session(graph=self.graph, config=self.config) as session:
            if self.start:
                session.run(self.start, start)
            try:
                return session.run(list(names), feeds)
            except tf.errors.OpError as error:
                self.error = error.message[:300]
                return NOT_ALIVE if "does not have value" in error.message else FAILS
