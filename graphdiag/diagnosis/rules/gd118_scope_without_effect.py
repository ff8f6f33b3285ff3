"""GD118 scope-without-effect: a name scope around layers, of which the picture has no box.

What it finds
    `with tf.name_scope("block"):` around Keras layers, in the Python file that builds the model, where no op of the
    graph lies in a scope of that name; and classes of layers that override `__call__`.

Why it matters
    The scope was meant to group the layers on screen, and they stand side by side.

Cause
    A model of Keras 3 or tf_keras is traced as a whole: it opens a scope for each of its layers when it is called. The
    scope that was open when the layer was made, or first called, is not on record. A layer is called by
    `Layer.__call__`, which opens its scope and then runs `call`: a class with a `__call__` of its own is not seen.

Proof
    The lines of the file, and the names of all ops. A log cannot tell it: a scope without effect leaves no op.

Example
    `with tf.name_scope("block_a"): h = layers.Dense(4)(x)`

Fix
    Put the layers into a model of their own, which is drawn as a box: `keras.Sequential([...], name="block_a")` (Keras
    3, tf_keras). Checked with Keras 3.15.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.call_scopes import pieces_of
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.phrases import some
from graphdiag.sources.opened import NameScope


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each scope."""
    if not context.name_scopes or not len(context.ops):
        return
    pieces = pieces_of(context.ops.names)
    for scope in context.name_scopes:
        if scope.overrides_call:
            yield from _overriding(context, scope)
            continue
        name = scope.name.strip("/")
        if not name or name in pieces:
            continue
        one = len(scope.layers) == 1
        yield finding(
            RULE,
            context,
            f"The name scope {name!r} (line {scope.line}) has no effect: no op lies in a scope of that name. "
            f"{some(scope.layers)} {'is' if one else 'are'} made inside it, and the model opens a scope for each layer "
            f"when it is called.",
            f"Put {'it into a model of its own' if one else 'them into a model of their own'}, which is drawn as a "
            f"box: keras.Sequential([...], name={name!r}) (Keras 3, tf_keras).",
            culprits=scope.layers,
        )


def _overriding(context: DiagnosisContext, scope: NameScope) -> Iterator[Found]:
    """A class whose layers Keras takes for the model's own, because it never sees the class called."""
    layers = context.layers.layers if context.layers else {}
    own = [id_ for id_ in scope.layers if id_ in layers and not layers[id_].path]
    if not own:
        return
    one = len(own) == 1
    yield finding(
        RULE,
        context,
        f"The class {scope.name} (line {scope.line}) overrides __call__, by which Keras calls a layer, so Keras does "
        f"not know that it is called: {some(own)}, which it makes, {'is' if one else 'are'} drawn without a box around "
        f"{'it' if one else 'them'}.",
        "Define call instead of __call__ (Keras 3, tf_keras): the class is then a layer, with a box of its own.",
        culprits=own,
    )


RULE = Rule("GD118", "scope-without-effect", Verdict.MISPLACED, Blame.KERAS, Severity.NOTE, find, __name__, rank=1)
