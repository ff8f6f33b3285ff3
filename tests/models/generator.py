"""Whole Keras models, made by Hypothesis: the source of a Python file, and in it what is true of the model.

A model is a program of a few steps over three kinds of tensors: rows of 4 (``row``), rows of 8 (``wide``) and sequences
of 5 rows (``sequence``, masked or not). Into it dependencies are planted that Keras does not know, and things that only
look like them. What the file says of itself is true by construction; `tests.models.oracle` holds it against runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

STACKS = ("keras3", "tf_keras", "tf1")

T = TypeVar("T")

_HEAD = {
    "keras3": "import keras\nimport tensorflow as tf\nfrom keras import layers\n\nraw_tanh = keras.ops.tanh\n",
    "tf_keras": (
        "import tensorflow as tf\nimport tf_keras as keras\nfrom tf_keras import layers\n\nraw_tanh = tf.tanh\n"
    ),
    "tf1": (
        "import tensorflow as tf\nimport tf_keras as keras\nfrom tf_keras import layers\n\n"
        "tf.compat.v1.disable_v2_behavior()\nraw_tanh = tf.tanh\n"
    ),
}

_KERNEL = """    def build(self, shape):
        self.kernel = self.add_weight(shape=(4, 4), name="kernel")
"""

_CLASSES = {
    "Regularize": """class Regularize(layers.Layer):
    def call(self, x):
        self.add_loss(0.01 * tf.reduce_mean(x))
        return x
""",
    "Check": """class Check(layers.Layer):
    def call(self, x):
        tf.debugging.assert_all_finite(x, "not finite")
        return x
""",
    "Average": """class Average(layers.Layer):
    def build(self, shape):
        self.average = self.add_weight(shape=(4,), initializer="zeros", trainable=False, name="average")

    def call(self, x):
        self.average.assign(0.9 * self.average + 0.1 * tf.reduce_mean(x, axis=0))
        return x
""",
    "Split": f"""class Split(layers.Layer):
{_KERNEL}
    def call(self, x):
        self.second = tf.tanh(x)
        return tf.matmul(x, self.kernel), self.second
""",
    "Route": """class Route(layers.Layer):
    def build(self, shape):
        self.gate = self.add_weight(shape=(4, 1), name="gate")

    def call(self, x):
        return x, tf.sigmoid(tf.matmul(x, self.gate))
""",
    "Describe": """class Describe(layers.Layer):
    def call(self, x):
        return {"kept": x, "scaled": x * 0.5}
""",
    "Pick": """class Pick(layers.Layer):
    def call(self, xs):
        return xs[0]
""",
    "Swap": """class Swap(layers.Layer):
    def call(self, xs):
        return xs[1], xs[0]
""",
    "Fit": """class Fit(layers.Layer):
    def build(self, shape):
        if not hasattr(self, "kernel"):
            self.kernel = self.add_weight(shape=(8, 4), name="kernel")

    def call(self, x):
        return tf.matmul(x, self.kernel) if x.shape[-1] == 8 else x

    def compute_output_shape(self, shape):
        return (*shape[:-1], 4)
""",
    "Hold": """class Hold(layers.Layer):
    def call(self, x):
        return tf.tanh(self.inner(x))
""",
    "Keep": """class Keep(layers.Layer):
    def call(self, x):
        self.saved = x
        return x
""",
    "Stash": f"""class Stash(layers.Layer):
{_KERNEL}
    def call(self, x):
        self.saved = tf.matmul(x, self.kernel)
        return self.saved
""",
    "Aside": f"""class Aside(layers.Layer):
{_KERNEL}
    def call(self, x):
        self.saved = tf.tanh(x)
        return tf.matmul(x, self.kernel)
""",
    "Calls": f"""class Calls(layers.Layer):
    made = ()

{_KERNEL}
    def call(self, x):
        result = tf.matmul(x, self.kernel)
        self.made = [*self.made[-1:], result]
        return result
""",
    "Read": """class Read(layers.Layer):
    def call(self, x):
        return READ
""",
    "Put": """class Put(layers.Layer):
    def call(self, x):
        self.store.assign(tf.reduce_mean(x, axis=0))
        return x * 1.0
""",
    "Take": """class Take(layers.Layer):
    def call(self, x):
        return x + tf.convert_to_tensor(self.store)
""",
    "Marks": """class Marks(layers.Layer):
    def call(self, x):
        self.saved = tf.cast(tf.reduce_any(tf.not_equal(x, 0.0), axis=-1, keepdims=True), tf.float32)
        return x * 1.0
""",
    "Permute": """class Permute(layers.Layer):
    def build(self, shape):
        start = lambda shape, dtype=None, **kwargs: tf.constant([2, 0, 3, 1])
        self.order = self.add_weight(shape=(4,), dtype="int32", trainable=False, name="order", initializer=start)

    def call(self, x):
        return tf.gather(x, tf.convert_to_tensor(self.order), axis=-1)
""",
    "PyPut": """class PyPut(layers.Layer):
    def call(self, x):
        return tf.ensure_shape(tf.numpy_function(self.put, [x], tf.float32), x.shape)

    def put(self, value):
        BOX[self.key] = value.mean(0)
        return value

    def compute_output_shape(self, shape):
        return shape
""",
    "PyTake": """class PyTake(layers.Layer):
    def call(self, x):
        return tf.ensure_shape(tf.numpy_function(self.take, [x], tf.float32), x.shape)

    def take(self, value):
        return (value + BOX.get(self.key, 0)).astype("float32")

    def compute_output_shape(self, shape):
        return shape
""",
}

_PUT_TF1 = """class Put(layers.Layer):
    def call(self, x):
        with tf.control_dependencies([self.store.assign(tf.reduce_mean(x, axis=0))]):
            return tf.identity(x) * 1.0
"""


@dataclass(eq=False)
class Tensor:
    """A tensor between layers.

    Attributes:
        name: The variable of the file that holds it.
        kind: ``row``, ``wide`` or ``sequence``.
        same: The tensors that are one: each hands on what it was given.
        of: Ids of layers that a finding on it may name: the one that computes it, and those that handed it on.
        after: Ids of all layers that it depends on, as Keras knows.
        used: Whether a layer takes it.
    """

    name: str
    kind: str
    same: object
    of: tuple[str, ...]
    after: frozenset[str]
    used: bool = False


@dataclass
class Source:
    """The file, as it is written.

    Attributes:
        stack: One of `STACKS`.
        kinds: What was made, for the counts.
    """

    stack: str
    rng: Random
    classes: dict[str, str] = field(default_factory=dict)
    setup: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    truth: dict[str, list[str]] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    count: int = 0
    path: str = ""

    # --- writing ---------------------------------------------------------------------------------------------------

    def choose(self, things: Sequence[T]) -> T:
        return self.rng.choice(list(things))

    def often(self) -> bool:
        return self.rng.random() < 0.5

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def pick(self, kind: str = "row") -> Tensor:
        found = [tensor for tensor in self.tensors if tensor.kind == kind]
        if not found:
            return self.make(kind)
        return self.choose(found[-4:])

    def make(self, kind: str) -> Tensor:
        """A tensor of a kind of which there is none."""
        row = self.pick("row")
        if kind == "wide":
            return self.layer("layers.Dense(8, activation='tanh', name={name})", "wide", [row], "wide")
        return self.layer("layers.RepeatVector(5, name={name})", "repeat", [row], "sequence")

    def line(self, text: str) -> None:
        self.lines.append(text)

    def uses(self, *names: str) -> None:
        for name in names:
            self.classes[name] = _PUT_TF1 if name == "Put" and self.stack == "tf1" else _CLASSES[name]

    def layer(self, made: str, stem: str, given: Sequence[Tensor], kind: str = "row", call: str = "{0}") -> Tensor:
        """A layer that computes one tensor."""
        name = self.new(made, stem)
        return self.called(name, given, kind, call)

    def new(self, made: str, stem: str) -> str:
        name = self.fresh(stem)
        shown = name
        if self.stack != "keras3" and not self.path and self.rng.randrange(12) == 0:
            shown = f"block/{name}"
        self.line(f"{name} = {made.format(name=repr(shown))}")
        self.shown[name] = shown
        return name

    @property
    def shown(self) -> dict[str, str]:
        return self.__dict__.setdefault("_shown", {})

    def id(self, name: str) -> str:
        return self.path + self.shown.get(name, name)

    def called(self, layer: str, given: Sequence[Tensor], kind: str = "row", call: str = "{0}") -> Tensor:
        name = self.fresh("t")
        self.line(f"{name} = {layer}({call.format(*(tensor.name for tensor in given))})")
        return self.result(name, layer, given, kind)

    def result(
        self, name: str, layer: str, given: Sequence[Tensor], kind: str = "row", passes: Tensor | None = None
    ) -> Tensor:
        """A tensor that a layer returns; ``passes`` is the one it was given, if it hands that on."""
        after = frozenset({self.id(layer)}).union(*(tensor.after for tensor in given))
        for tensor in given:
            tensor.used = True
        same, of = (object(), ()) if passes is None else (passes.same, passes.of)
        made = Tensor(name, kind, same, (*of, self.id(layer)), after)
        self.tensors.append(made)
        return made

    def passing(self, made: str, stem: str, given: Tensor) -> Tensor:
        layer = self.new(made, stem)
        name = self.fresh("t")
        self.line(f"{name} = {layer}({given.name})")
        return self.result(name, layer, [given], given.kind, passes=given)

    def say(self, what: str, entry: str) -> None:
        self.truth.setdefault(what, []).append(entry)

    # --- steps of the model ----------------------------------------------------------------------------------------

    def dense(self) -> None:
        given = self.pick(self.choose(["row", "row", "wide"]))
        activation = self.choose(["None", "'tanh'", "'sigmoid'"])
        made = self.layer(f"layers.Dense(4, activation={activation}, name={{name}})", "dense", [given])
        if given.kind == "row":
            self.rows.append((self.lines[-1].split(" = ")[1].split("(")[0], made.of[-1]))

    def wide(self) -> None:
        self.make("wide")

    def linear(self) -> None:
        self.passing("layers.Activation('linear', name={name})", "linear", self.pick(self.choose(["row", "sequence"])))

    def dropout(self) -> None:
        given = self.pick(self.choose(["row", "sequence"]))
        made = self.layer("layers.Dropout(0.3, seed=1, name={name})", "dropout", [given], given.kind)
        made.of = (*given.of, *made.of)
        self.dropped[id(made.same)] = given.same

    @property
    def dropped(self) -> dict[int, object]:
        return self.__dict__.setdefault("_dropped", {})

    def norm(self) -> None:
        made = self.choose(["LayerNormalization", "BatchNormalization"])
        self.layer(f"layers.{made}(name={{name}})", "norm", [self.pick()])

    def merge(self) -> None:
        made = self.choose(["Add", "Multiply", "Average", "Concatenate"])
        kind = "wide" if made == "Concatenate" else "row"
        self.layer(f"layers.{made}(name={{name}})", made.lower(), [self.pick(), self.pick()], kind, "[{0}, {1}]")

    def raw(self) -> None:
        left, right = self.pick(), self.pick()
        text = self.choose(["{0} + {1}", "{0} * 0.5", "raw_tanh({0})", "{0} - {1} * 2.0"])
        name = self.fresh("t")
        self.line(f"{name} = {text.format(left.name, right.name)}")
        given = [left, right] if "{1}" in text else [left]
        for tensor in given:
            tensor.used = True
        self.tensors.append(Tensor(name, "row", object(), ("*",), frozenset().union(*(t.after for t in given))))

    def hand_on(self) -> None:
        kinds = ["Regularize", "Check", "Keep"] + ([] if self.stack == "tf1" else ["Average"])
        made = self.choose(kinds)
        self.uses(made)
        self.passing(f"{made}(name={{name}})", made.lower(), self.pick())

    def split(self) -> None:
        given = self.pick()
        self.uses("Split")
        layer, first, second = self.new("Split(name={name})", "split"), self.fresh("t"), self.fresh("t")
        self.line(f"{first}, {second} = {layer}({given.name})")
        left = self.result(first, layer, [given])
        right = self.result(second, layer, [given])
        if self.often():
            self.read(f"{layer}.second", right, left)
            self.kinds.append("other output")

    def route(self) -> None:
        given = self.pick()
        self.uses("Route")
        layer, kept, score = self.new("Route(name={name})", "route"), self.fresh("t"), self.fresh("t")
        self.line(f"{kept}, {score} = {layer}({given.name})")
        left = self.result(kept, layer, [given], passes=given)
        weight = self.result(score, layer, [given], kind="score")
        self.layer("layers.Multiply(name={name})", "weighted", [left, weight], call="[{0}, {1}]")

    def describe(self) -> None:
        given = self.pick()
        self.uses("Describe")
        layer, found = self.new("Describe(name={name})", "describe"), self.fresh("found")
        self.line(f"{found} = {layer}({given.name})")
        for key in ("kept", "scaled"):
            name = self.fresh("t")
            self.line(f"{name} = {found}['{key}']")
            self.result(name, layer, [given], passes=given if key == "kept" else None)

    def reorder(self) -> None:
        first, second = self.pick(), self.pick()
        made = self.choose(["Pick", "Swap"])
        self.uses(made)
        layer, name = self.new(f"{made}(name={{name}})", made.lower()), self.fresh("t")
        if made == "Pick":
            self.line(f"{name} = {layer}([{first.name}, {second.name}])")
            self.result(name, layer, [first, second], passes=first)
        else:
            other = self.fresh("t")
            self.line(f"{name}, {other} = {layer}([{first.name}, {second.name}])")
            self.result(name, layer, [first, second], passes=second)
            self.result(other, layer, [first, second], passes=first)

    def again(self) -> None:
        """A layer that is called once more."""
        if self.rows:
            layer, _ = self.choose(self.rows)
            self.called(layer, [self.pick()])
        else:
            self.dense()

    def fit(self) -> None:
        self.uses("Fit")
        layer = self.new("Fit(name={name})", "fit")
        self.called(layer, [self.pick("wide")])
        given, name = self.pick(), self.fresh("t")
        self.line(f"{name} = {layer}({given.name})")
        self.result(name, layer, [given], passes=given)

    def hold(self) -> None:
        """A layer that holds another one, and calls it: Keras knows."""
        if not self.rows:
            return self.dense()
        inner, _ = self.choose(self.rows)
        self.uses("Hold")
        given = self.pick()
        layer = self.new("Hold(name={name})", "hold")
        self.line(f"{layer}.inner = {inner}")
        self.called(layer, [given])
        return None

    def recurrent(self) -> None:
        given = self.pick("sequence")
        made = self.choose(["LSTM", "GRU", "SimpleRNN"])
        how = self.choose(["row", "sequence", "states", "both ways"])
        if how == "row":
            self.layer(f"layers.{made}(4, name={{name}})", "rnn", [given])
        elif how == "sequence":
            self.layer(f"layers.{made}(4, return_sequences=True, name={{name}})", "rnn", [given], "sequence")
        elif how == "both ways":
            text = f"layers.Bidirectional(layers.{made}(2, return_sequences=True), name={{name}})"
            self.layer(text, "both", [given], "sequence")
        else:
            layer = self.new(f"layers.{made}(4, return_state=True, name={{name}})", "encoder")
            names = [self.fresh("t") for _ in range(3 if made == "LSTM" else 2)]
            self.line(f"{', '.join(names)} = {layer}({given.name})")
            states = [self.result(name, layer, [given]) for name in names[1:]]
            # The last output is the state itself, so that handing on is told of both; in TF 1 the two are read from the
            # loop by ops of their own.
            self.result(names[0], layer, [given], passes=None if self.stack == "tf1" else states[0])
            first = self.pick("sequence")
            start = "[{1}, {2}]" if made == "LSTM" else "{1}"
            text = f"layers.{made}(4, return_sequences=True, name={{name}})"
            self.layer(text, "decoder", [first, *states], "sequence", f"{{0}}, initial_state={start}")

    def sequence(self) -> None:
        given = self.pick("sequence")
        made = self.choose(["Masking()", "Dense", "TimeDistributed", "Pool", "Attention", "Last"])
        if made == "Masking()":
            self.layer("layers.Masking(name={name})", "masking", [given], "sequence")
        elif made == "Dense":
            self.layer("layers.Dense(4, name={name})", "each", [given], "sequence")
        elif made == "TimeDistributed":
            self.layer("layers.TimeDistributed(layers.Dense(4), name={name})", "steps", [given], "sequence")
        elif made == "Pool":
            self.layer("layers.GlobalAveragePooling1D(name={name})", "pool", [given])
        elif made == "Attention":
            other = self.pick("sequence")
            text = "layers.MultiHeadAttention(1, 4, name={name})"
            self.layer(text, "attend", [given, other], "sequence", "{0}, {1}")
        else:
            self.layer("layers.Lambda(lambda t: t[:, -1], name={name})", "last", [given])

    def nested(self) -> None:
        """A model in the model, of a few steps of its own, called once or twice."""
        if self.path:
            return self.dense()
        name = self.fresh("inner")
        inner = Source(self.stack, self.rng, self.classes, self.setup, self.lines, count=self.count, path=f"{name}/")
        entry = inner.fresh("i")
        self.line(f"{entry} = keras.Input((4,), name='{entry}')")
        inner.tensors.append(Tensor(entry, "row", object(), ("*",), frozenset()))
        for _ in range(self.rng.randint(1, 3)):
            self.choose([inner.dense, inner.linear, inner.hand_on, inner.raw, inner.split, inner.norm, inner.merge])()
        outs = [t for t in inner.tensors if not t.used and t.kind == "row" and t.name != entry]
        if not outs:
            inner.dense()
            outs = [inner.tensors[-1]]
        self.count = inner.count
        made = f"[{', '.join(t.name for t in outs)}]" if len(outs) > 1 else outs[0].name
        self.line(f"{name} = keras.Model({entry}, {made}, name='{name}')")
        for what, entries in inner.truth.items():
            self.truth.setdefault(what, []).extend(entries)
        self.kinds += [f"{kind} in a nested model" for kind in inner.kinds]
        for _ in range(self.rng.randint(1, 2)):
            given = self.pick()
            names = [self.fresh("t") for _ in outs]
            self.line(
                f"{', '.join(names)} = {name}({given.name})" if len(outs) > 1 else f"{names[0]} = {name}({given.name})"
            )
            given.used = True
            for made, out in zip(names, outs, strict=True):
                # A nested model may hand its input on; then the two are one tensor.
                passes = out.same is inner.tensors[0].same
                self.tensors.append(
                    Tensor(
                        made,
                        "row",
                        given.same if passes else object(),
                        (*(given.of if passes else ()), *out.of),
                        given.after | out.after | {name},
                    )
                )
        return None

    # --- what is planted -------------------------------------------------------------------------------------------

    def read(self, expression: str, saved: Tensor, given: Tensor, kind: str = "row", artifact: bool = False) -> None:
        """A layer that takes a tensor past its arguments."""
        text = f"x * {expression}"
        reader = self.fresh("reader")
        if self.often():
            self.line(f"{reader} = layers.Lambda(lambda x: {text}, name='{reader}')")
        else:
            cls = f"Read{reader}"
            self.classes[cls] = _CLASSES["Read"].replace("class Read", f"class {cls}").replace("READ", text)
            self.line(f"{reader} = {cls}(name='{reader}')")
        target = self.path + reader
        entry = " or ".join(f"{source} -> {target}" for source in saved.of)
        if artifact:
            self.say("ARTIFACTS", entry)
        elif given.same is saved.same:
            self.say("SAME", entry)
        elif self.dropped.get(id(given.same)) is saved.same or self.dropped.get(id(saved.same)) is given.same:
            self.say("EITHER", entry)
        else:
            self.say("HIDDEN", entry)
        self.called(reader, [given], kind)

    def stash(self) -> None:
        made = self.choose(["Stash", "Keep", "Aside"])
        self.uses(made)
        first = self.pick()
        layer = self.new(f"{made}(name={{name}})", made.lower())
        name = self.fresh("t")
        self.line(f"{name} = {layer}({first.name})")
        passes = first if made == "Keep" else None
        out = self.result(name, layer, [first], passes=passes)
        # Another tensor that the layer made is not the one that it returned.
        saved = Tensor("", "row", object(), (self.id(layer),), out.after) if made == "Aside" else out
        for _ in range(self.rng.randint(0, 2)):
            self.choose([self.dense, self.linear, self.raw, self.hand_on])()
        how = self.choose(["values", "values", "values", "shape", "zeros"])
        # Of two branches, Keras may run the reader's first.
        later = [t for t in self.tensors if t.kind == "row" and self.id(layer) in t.after]
        given = self.choose(later) if self.stack != "tf1" else self.pick()
        if how == "values":
            self.read(f"{layer}.saved", saved, given)
        elif how == "shape":
            self.read(f"tf.cast(tf.shape({layer}.saved)[1], tf.float32)", saved, given, artifact=True)
        else:
            self.read(f"(1.0 + tf.zeros_like({layer}.saved))", saved, given, artifact=True)
        self.kinds.append(f"{made} {how}")

    def calls(self) -> None:
        """The reader is given one call of a shared layer, and takes another one."""
        self.uses("Calls")
        layer = self.new("Calls(name={name})", "calls")
        first = self.called(layer, [self.pick()])
        self.tensors.remove(first)
        self.tensors.append(first)
        between = self.layer("layers.Dense(4, name={name})", "dense", [first])
        second = self.called(layer, [between])
        # Of two branches, Keras may run the reader's before the second call.
        given = self.choose([first, second]) if self.stack == "tf1" else second
        self.read(f"{layer}.made[-2]", first, given)
        self.kinds.append("other call")

    def kernel(self) -> None:
        """A layer reads the weights of another one."""
        self.dense()
        if not self.rows:
            return
        layer, _ = self.rows[-1]
        reader, given = self.fresh("tied"), self.pick()
        self.line(
            f"{reader} = layers.Lambda(lambda x: tf.matmul(x, tf.convert_to_tensor({layer}.kernel)), name='{reader}')"
        )
        self.called(reader, [given])
        self.say("PARAMETERS", f"{self.id(layer)} -> {self.path}{reader}")
        self.say("EITHER", f"*hold* -> {self.path}{reader}")  # a layer that holds the other one tracks its weights, too
        self.kinds.append("kernel")

    def state(self) -> None:
        """One layer writes what another one reads, before it or after it."""
        python = self.stack != "tf1" and self.often()
        put, take = ("PyPut", "PyTake") if python else ("Put", "Take")
        self.uses(put, take)
        key = self.fresh("store")
        later = not python and self.stack != "tf1" and self.often()
        names = [self.new(f"{cls}(name={{name}})", cls.lower()) for cls in (put, take)]
        if python:
            self.setup.append("BOX = {}\nSTATEFUL = True")
            self.say("EITHER", "*py* -> *py*")  # what Python code touches cannot be told
            for name in names:
                self.line(f"{name}.key = '{key}'")
        else:
            variable = "keras.Variable" if self.stack == "keras3" else "tf.Variable"
            self.line(f"{key} = {variable}(tf.zeros(4), trainable=False, name='{key}')")
            for name in names:
                self.line(f"{name}.store = {key}")
        first, second = names[::-1] if later else names
        made = self.called(first, [self.pick()])
        if self.often():
            made = self.layer("layers.Dense(4, name={name})", "dense", [made])
        self.called(second, [made])
        self.say("NEXT_CALL" if later else "HIDDEN", f"{self.id(names[0])} -> {self.id(names[1])}")
        if self.stack == "tf1":  # the variable is read wherever TensorFlow likes
            self.say("EITHER", self.truth["HIDDEN"].pop())
        self.kinds.append("Python state" if python else "next call" if later else "variable state")

    def mask(self) -> None:
        """Which steps are there is taken off a sequence, and used on another one, or on the same."""
        self.uses("Marks")
        layer = self.new("Marks(name={name})", "marks")
        made = self.called(layer, [self.pick("sequence")], "sequence")
        later = self.layer("layers.Dense(4, name={name})", "each", [made], "sequence")
        saved = Tensor("", "mask", object(), (self.id(layer),), made.after)
        self.read(f"{layer}.saved", saved, self.pick("sequence") if self.stack == "tf1" else later, "sequence")
        self.kinds.append("mask")

    def average(self) -> None:
        """A layer reads the moving average that another one keeps, after it was written."""
        if self.stack == "tf1":
            return self.stash()
        self.uses("Average")
        layer = self.new("Average(name={name})", "average")
        given, name = self.pick(), self.fresh("t")
        self.line(f"{name} = {layer}({given.name})")
        kept = self.result(name, layer, [given], passes=given)
        made = self.layer("layers.Dense(4, name={name})", "dense", [kept])
        saved = Tensor("", "row", object(), (self.id(layer),), kept.after)
        self.read(f"tf.convert_to_tensor({layer}.average)", saved, made)
        self.kinds.append("moving average")
        return None

    def permutation(self) -> None:
        """A layer reads the whole numbers by which another one orders its input."""
        self.uses("Permute")
        layer = self.new("Permute(name={name})", "permute")
        made = self.called(layer, [self.pick()])
        reader = self.fresh("inverse")
        text = f"tf.gather(x, tf.convert_to_tensor({layer}.order), axis=-1)"
        self.line(f"{reader} = layers.Lambda(lambda x: {text}, name='{reader}')")
        self.called(reader, [self.choose([made, self.pick()])])
        self.say("PARAMETERS", f"{self.id(layer)} -> {self.path}{reader}")
        self.kinds.append("int weights")

    def two_models(self) -> None:
        """One layer in two nested models: it is one layer, and nothing is hidden."""
        if self.path:
            return self.dense()
        shared = self.new("layers.Dense(4, name={name})", "shared")
        for _ in range(2):
            name, entry = self.fresh("branch"), self.fresh("i")
            self.line(f"{entry} = keras.Input((4,), name='{entry}')")
            self.line(f"{name} = keras.Model({entry}, layers.Activation('tanh')({shared}({entry})), name='{name}')")
            self.called(name, [self.pick()])
        self.kinds.append("layer in two models")
        return None

    def untracked(self) -> None:
        """A variable that no layer tracks."""
        name, reader = self.fresh("scale"), self.fresh("scaled")
        self.line(f"{name} = tf.Variable(tf.ones(4), name='{name}')")
        self.line(f"{reader} = layers.Lambda(lambda x: x * {name}, name='{reader}')")
        self.called(reader, [self.pick()])
        self.say("PARAMETERS", f"* -> {self.path}{reader}")
        self.kinds.append("untracked variable")

    STEPS = (
        dense, dense, wide, linear, dropout, norm, merge, merge, raw, hand_on, hand_on, route, describe, reorder, again,
        again, fit, hold, recurrent, sequence, sequence, nested, split,
    )  # fmt: skip
    PLANTS = (
        stash, stash, stash, calls, kernel, state, state, untracked, mask, average, permutation, two_models,
    )  # fmt: skip

    # --- the file --------------------------------------------------------------------------------------------------

    def text(self) -> str:
        outs = [tensor for tensor in self.tensors if not tensor.used and tensor.name not in self.inputs]
        model = f"model = keras.Model([{', '.join(self.inputs)}], [{', '.join(t.name for t in outs)}])"
        constants = [f"{what} = {entries!r}" for what, entries in self.truth.items() if entries]
        parts = [
            '"""A generated model."""\n',
            _HEAD[self.stack],
            *dict.fromkeys(self.setup),
            "\n",
            *self.classes.values(),
        ]
        return "\n".join([*parts, *self.lines, model, *constants, f"KINDS = {self.kinds!r}", ""])


def models(stack: str, steps: int = 7) -> st.SearchStrategy[str]:
    """Sources of files that build models.

    Args:
        stack: One of `STACKS`.
        steps: How many steps at most, planted dependencies not counted.

    Returns:
        A strategy for Python sources: with ``model``, the constants that `tests.models.truth` describes, and ``KINDS``,
        which names what is planted.
    """
    # Truly random, so that each model is another one: Hypothesis would try many that are almost the same.
    return st.randoms(use_true_random=True).map(lambda rng: make_source(rng, stack, steps))


def make_source(rng: Random, stack: str, steps: int = 7) -> str:
    """The source of one model; see `models`."""
    source = Source(stack, rng)
    for name, shape, kind in (("x", "(4,)", "row"), ("y", "(4,)", "row"), ("s", "(5, 4)", "sequence")):
        if name == "x" or source.often():
            source.line(f"{name} = keras.Input({shape}, name='{name}')")
            source.tensors.append(Tensor(name, kind, object(), (name,), frozenset({name})))
            source.inputs.append(name)
    program = [source.choose(Source.STEPS) for _ in range(rng.randint(1, steps))]
    for plant in [source.choose(Source.PLANTS) for _ in range(rng.randint(0, 2))]:
        program.insert(rng.randint(0, len(program)), plant)
    for step in program:
        step(source)
    source.dense()
    return source.text()
