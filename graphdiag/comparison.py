"""The main job: hold the layer graph against the op graph, and explain every difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphdiag.diagnosis.call_scopes import pieces_of
from graphdiag.diagnosis.captured import sharing_in_file
from graphdiag.diagnosis.context import DiagnosisContext, analyze
from graphdiag.diagnosis.crossings import Crossings
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.fixes import REPAIR
from graphdiag.diagnosis.ownership import UNOWNED, Ownership
from graphdiag.diagnosis.registry import all_rules, reported
from graphdiag.diagnosis.registry import select as choose
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.diagnosis.traces import eager_kernels
from graphdiag.errors import ModelError, SourceError, UsageError
from graphdiag.extras import require_tensorflow
from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import merge
from graphdiag.graphs.serialized_graph import nodes_of, unparsed
from graphdiag.keras_facts import has_weights
from graphdiag.phrases import counted, some
from graphdiag.results.report import Report
from graphdiag.sources.open_source import open_source
from graphdiag.sources.registry import SourceOptions
from graphdiag.sources.stack import PYTORCH, is_pytorch
from graphdiag.tensorboard import NEWEST_CHECKED, draw, draw_conceptual, newer_than_checked
from graphdiag.tensorboard.conceptual import ConceptualGraphError, conceptual_graph
from graphdiag.tensorboard.merge import ProducersDifferError, UndrawableGraphError

if TYPE_CHECKING:
    from graphdiag.diagnosis.finding import Finding
    from graphdiag.graphs.op_graph import OpGraph
    from graphdiag.sources.opened import Opened


def compare(
    source: Any,
    *,
    model: str | Path | None = None,
    run: str | None = None,
    tag: str | None = None,
    entry: str | None = None,
    arguments: Mapping[str, str] | None = None,
    graph: str | None = None,
    input_shape: Sequence[int | None] | None = None,
    script_arguments: Sequence[str] = (),
    run_to_end: bool = False,
    load: bool = False,
    unsafe: bool = False,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    verify: bool = False,
) -> Report:
    """Compare the layer graph of a model with the op graph that TensorBoard draws.

    Args:
        source: A path (Python file, log directory, event file, ``.pb``, ``.pbtxt``, SavedModel, ``.keras``, ``.h5``,
            Keras JSON), the address of a running TensorBoard, or a Keras model.
        model: A file with the layer graph, when the source has none, or another one.
        run: Run of an event log, when it holds several.
        tag: Tag of an event log's op graph, when it holds several.
        entry: Name of the model, or of the function that builds it, in a Python file.
        arguments: Arguments of that function, as Python literals.
        graph: ``training`` (the forward pass in training mode; default), ``inference`` or ``train-step``, for a
            live model.
        input_shape: Shape of the input, batch axis first, for a model that was never called.
        script_arguments: Command line of a Python file.
        run_to_end: Whether a Python file is run as Python runs it, training included.
        load: Whether a saved model is loaded by Keras and traced, so that it has an op graph.
        unsafe: Whether code that a saved model holds may be run when it is loaded.
        select: Codes of the rules to report, or beginnings of codes; all rules if empty.
        ignore: Codes of the rules not to report; the longer of two codes that fit a rule wins.
        verify: Whether to run the graph on random inputs, to see each artifact and each hidden dependency for oneself.

    Returns:
        The report.

    Raises:
        GraphdiagError: When something cannot be read or does not fit; the message says what and what next.
    """
    choose(all_rules(), select, ignore)
    if verify:
        require_tensorflow("--verify")
    options = SourceOptions(
        run=run,
        tag=tag,
        entry=entry,
        arguments=arguments,
        graph=graph,
        input_shape=input_shape,
        script_arguments=script_arguments,
        run_to_end=run_to_end,
        load=load,
        unsafe=unsafe,
    )
    opened = open_any(source, options)
    of_model = None if model is None else open_model_file(model)
    return compare_opened(opened, of_model, select=select, ignore=ignore, verify=verify)


def compare_opened(
    opened: Opened,
    model: Opened | None = None,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    verify: bool = False,
) -> Report:
    """As `compare`, of a source that was opened.

    Args:
        opened: The source.
        model: What holds the layer graph, when the source has none, or another one.
        select: As for `compare`.
        ignore: As for `compare`.
        verify: As for `compare`.

    Returns:
        The report.

    Raises:
        GraphdiagError: As `compare`.
    """
    rules = all_rules()
    chosen = choose(rules, select, ignore)
    of_model = model or opened
    layers = of_model.layer_graph
    notes = list(opened.notes_for(model_given=model is not None))
    ops = merge(opened.graph_defs)
    if is_pytorch(ops.type_names):
        return _of_pytorch(opened, ops, notes, given=model is not None, rules=[rule.code for rule in chosen])
    if opened.origin.kind == "tensorboard" and layers is None and not opened.has_op_graph:
        raise SourceError(
            f"{opened.origin.path}: {' '.join(notes)} 'graphdiag draw --conceptual' shows what TensorBoard has."
        )
    is_eager = not opened.is_own_trace and bool(eager_kernels(ops))
    if is_eager:
        layers = None
        notes += ["No layer can be seen in this trace, so the model is left out."] if model is not None else []
    context = analyze(
        ops,
        layers,
        opened.owners,
        _tensorboard_view(opened, notes),
        opened.trackers,
        opened.same_layer,
        opened.calls,
        opened.belongs_to,
        opened.python_code,
        opened.read_by_python,
        opened.name_scopes,
    )
    layers = context.layers
    found = diagnose(context, rules)

    def report(ops: OpGraph | None, found: Sequence[Finding]) -> Report:
        return Report.of(
            opened.origin,
            layers,
            ops,
            reported(found, chosen),
            notes,
            context,
            locations=of_model.locations,
            rules=[rule.code for rule in chosen],
            all_findings=found,
            opened=replace(opened, layer_graph=of_model.layer_graph),
        )

    if not opened.has_op_graph:
        return report(None, found)
    without = "There is no layer graph, so name scopes are taken for layers."
    if layers is not None:
        check_fit(context, layers, given=model is not None)
        notes += _notes_on(context)
    elif model is not None and not is_eager:
        notes.append(f"{model.origin.path}: Keras records no edges between the layers of a subclassed model. {without}")
    elif not is_eager and not opened.is_live:
        notes.append(f"{without} --model FILE gives one.")
    if verify:
        from graphdiag.execution.verify import verify as run_graph

        found = run_graph(context, opened.graph_defs, found)
    notes += _on_the_callback(opened)
    return report(ops, found)


def compare_with_found(
    opened: Opened,
    open_model: Callable[[], Opened],
    name: str,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Report:
    """As `compare_opened`, with a model that was found beside the source: if it does not fit, the source alone counts.

    Args:
        opened: The source.
        open_model: Opens the model.
        name: How notes call it.
        select: As for `compare`.
        ignore: As for `compare`.

    Returns:
        The report; a note says why the model was not taken.

    Raises:
        GraphdiagError: As `compare`, about the source.
    """
    try:
        return compare_opened(opened, open_model(), select=select, ignore=ignore)
    except (ModelError, SourceError) as error:
        why = str(error).replace("--model", name)
        report = compare_opened(opened, select=select, ignore=ignore)
        return replace(report, notes=(f"The model beside the log was not taken: {why}", *report.notes))


def _of_pytorch(opened: Opened, ops: OpGraph, notes: list[str], *, given: bool, rules: Sequence[str]) -> Report:
    """The report on a graph of PyTorch: what TensorBoard draws, and no claim about what flows."""
    if given:
        raise ModelError(f"{opened.origin.path}: is a graph of PyTorch; --model is for Keras models. Leave it out.")
    nobody = np.full(len(ops), UNOWNED, dtype=np.int32)
    nothing = DiagnosisContext(
        ops,
        None,
        Ownership([], nobody, {}, frozenset(), inputs_found=True, by_scope=True),
        Flow([0] * len(ops), [0] * len(ops), {}, {}),
        Crossings({}, {}),
        _tensorboard_view(opened, notes),
    )
    origin = replace(opened.origin, stack=PYTORCH)
    return Report.of(origin, None, ops, (), notes, nothing, rules=rules)


def drawn_graph(
    source: Any, *, run: str | None = None, tag: str | None = None, conceptual: bool = False, **opening: Any
) -> DrawnGraph:
    """What TensorBoard draws of a source.

    Args:
        source: A path or a Keras model, as for `compare`.
        run: Run of an event log, when it holds several.
        tag: Tag of an event log's op graph, when it holds several.
        conceptual: Whether TensorBoard's conceptual graph of the Keras model is wanted instead.
        **opening: How a Python file or a model is opened, as for `compare`: ``entry``, ``arguments``, ``graph``,
            ``input_shape``, ``script_arguments``, ``run_to_end``, ``load`` and ``unsafe``.

    Returns:
        The drawn graph.

    Raises:
        GraphdiagError: There is nothing to draw, or TensorBoard fails on it; the message says which.
    """
    opened = open_any(source, SourceOptions(run=run, tag=tag, **opening))
    if conceptual:
        if opened.conceptual is not None:
            return draw([opened.conceptual])
        if opened.keras_json is None and opened.origin.kind == "tensorboard":
            reasons = " ".join(opened.notes_for(model_given=False))
            raise SourceError(f"{opened.origin.path}: serves no conceptual graph here. {reasons}".strip())
        if opened.keras_json is None:
            raise SourceError(f"{source}: holds no Keras model, so there is no conceptual graph.")
        return draw_conceptual(opened.keras_json)
    if not opened.has_op_graph:
        raise SourceError(f"{source}: holds no op graph to draw; --conceptual draws the Keras model.")
    return draw(opened.graph_defs)


def _on_the_callback(opened: Opened) -> list[str]:
    """What TensorBoard will show of a live model, which is not a matter of the model."""
    if not opened.is_live or opened.callback_writes_op_graph is None:
        return []
    if opened.callback_writes_op_graph:
        return ["In TensorBoard: this stack's TensorBoard callback writes the op graph."]
    shown = (
        "writes no graph at all of a subclassed model"
        if opened.layer_graph is None
        else "writes no op graph, so its log holds the conceptual graph only"
    )
    return [f"In TensorBoard: this stack's TensorBoard callback {shown}. '{REPAIR}' writes one that it draws right."]


def _tensorboard_view(opened: Opened, notes: list[str]) -> TensorBoardView | None:
    """What TensorBoard shows of a source: of a model file alone it shows nothing."""
    live = opened.is_live
    logged = opened.origin.kind in ("event_log", "tensorboard")
    if not live and not opened.graph_defs and not logged:
        return None
    drawn, failure = None, ""
    if any(len(nodes_of(graph)) for graph in unparsed(opened.graph_defs)):
        try:
            drawn = draw(opened.graph_defs)
        except ProducersDifferError as error:
            failure = str(error)
        except UndrawableGraphError as error:
            notes.append(str(error))
    conceptual = merge([opened.conceptual]) if opened.conceptual is not None else None
    conceptual_failure = ""
    if opened.keras_json is not None and (live or logged):
        try:
            conceptual = merge([conceptual_graph(opened.keras_json)])
        except ConceptualGraphError as error:
            words = str(error)
            # The text of a KeyError is the key alone.
            conceptual_failure = words if " " in words else f"{type(error.__cause__).__name__}: {words}"
    newer = newer_than_checked()
    if newer:
        notes.append(f"TensorBoard {newer} is installed; what is drawn was checked up to {NEWEST_CHECKED}.")
    return TensorBoardView(
        drawn=drawn,
        failure=failure,
        has_op_graph=opened.has_op_graph,
        conceptual=conceptual,
        conceptual_failure=conceptual_failure,
        callback_writes_op_graph=opened.callback_writes_op_graph,
        live=live,
        imagined=opened.origin.kind == "saved_model",
        tag=opened.origin.tag,
        keras_json=opened.keras_json,
    )


def open_any(source: Any, options: SourceOptions) -> Opened:
    """Open a path or an address, or a Keras model.

    Raises:
        GraphdiagError: It cannot be read, or an option does not apply to it.
    """
    if isinstance(source, (str, Path)):
        return open_source(source, options)
    unfit = [name for name in options.given() if name not in ("graph", "input_shape")]
    if unfit:
        raise UsageError(f"{', '.join(unfit)}: does not apply to a model that is handed over; leave it out.")
    from graphdiag.sources.keras_model import open_model

    return open_model(source, graph=options.graph or "training", input_shape=options.input_shape)


def open_model_file(path: str | Path) -> Opened:
    """Open the file that ``--model`` names.

    Raises:
        GraphdiagError: It cannot be read, or holds no layer graph.
    """
    opened = open_source(path)
    if opened.layer_graph is None and opened.owners:
        # A subclassed model: its layers are known, and no edge between them.
        return opened
    if opened.layer_graph is None:
        raise ModelError(f"{path}: holds no layer graph; --model takes Keras JSON, .keras, .h5 or a Python file.")
    return opened


def check_fit(context: DiagnosisContext, layers: LayerGraph, given: bool) -> None:
    """Make sure that a layer graph that was given separately is the op graph's.

    Args:
        context: The graphs.
        layers: The layer graph.
        given: Whether it was given separately; where not, they belong together.

    Raises:
        ModelError: It is another model's.
    """
    namesakes = {id_ for ids in layers.namesakes() for id_ in ids}
    in_functions = pieces_of(name for function in context.ops.functions.values() for name in function.graph.names)
    absent = [
        layer
        for layer in layers.layers
        if layer in context.without_ops - namesakes
        and layers.layers[layer].name not in in_functions
        and has_weights(layers.layers[layer].class_name)
    ]
    if not given or not absent or not len(context.ops):
        return
    unowned_scopes = _scopes_of_nobody(context)
    there = f"; scopes of the op graph that are no layers: {some(unowned_scopes, shown=5)}" if unowned_scopes else ""
    raise ModelError(
        f"--model does not fit the op graph: {len(absent)} of {len(layers.layers)} layers have no ops in it "
        f"({some(absent, shown=5)}){there}. Give the model that wrote this log."
    )


def _scopes_of_nobody(context: DiagnosisContext) -> list[str]:
    """Outer scopes without an owner or a role, in the order of the graph."""
    scopes: dict[str, None] = {}
    for row, name in enumerate(context.ops.names):
        if "/" in name and context.ownership.of_op[row] < 0 and row not in context.ownership.roles:
            scopes.setdefault(name.partition("/")[0])
    return list(scopes)


def _without_any_op(context: DiagnosisContext) -> list[str]:
    """Layers that have no op, not in the body of a function either."""
    if context.layers is None or not len(context.ops):
        return []
    bodies = pieces_of(name for function in context.ops.functions.values() for name in function.graph.names)
    return [id_ for id_ in sorted(context.without_ops) if context.layers.layers[id_].name not in bodies]


def _lies_between(context: DiagnosisContext, absent: Sequence[str]) -> bool:
    """Whether one of these layers has a layer before it and one after it."""
    edges = context.layers.edges if context.layers is not None else ()
    return bool({target for _, target in edges} & {source for source, _ in edges} & set(absent))


def _notes_on(context: DiagnosisContext) -> list[str]:
    notes = []
    for source, target in sorted(context.masks):
        notes.append(f"{target} uses the mask that {source} makes; Keras hands masks on along its own edges.")
    if context.layers is not None and not context.ownership.recorded and len(context.ops):
        for ids in context.layers.namesakes():
            notes.append(
                f"The layers {' and '.join(ids)} have one name scope, so their ops cannot be told apart here; the "
                "Python file that builds the model tells them."
            )
        sharing = dict.fromkeys(pair for _, pair in sharing_in_file(context))
        for owner, other in sharing:
            notes.append(
                f"{other} uses a variable that {owner} uses as well; whether one holds the other, so that Keras knows, "
                "is not in a file. The Python file that builds the model tells it."
            )
    absent = _without_any_op(context)
    if absent:
        one = len(absent) == 1
        note = (
            f"{counted(len(absent), 'layer')} {'has' if one else 'have'} no op of {'its' if one else 'their'} own in "
        )
        note += f"this graph ({some(absent, shown=5)})"
        if _lies_between(context, absent):
            note += f"; edges through {'it' if one else 'them'} are drawn from the layer before to the layer after"
        notes.append(f"{note}.")
    return [*notes, *context.calls.doubts]
