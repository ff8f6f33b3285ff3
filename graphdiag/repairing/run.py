"""``graphdiag.repairing``: repair a source, and write the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphdiag.repairing.repair import Repair, repair_source
from graphdiag.repairing.written_log import write_log
from graphdiag.sources.registry import SourceOptions


def repair(
    source: Any,
    output: str | Path | None = None,
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
    group: str = "auto",
    keep_functions: bool = False,
    with_events: bool = False,
) -> Repair:
    """Write a log in which TensorBoard draws a model as it was written.

    Args:
        source: A path, or a Keras model, as for `graphdiag.compare`.
        output: The log directory to write; nothing is written if there is none.
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
        group: ``auto`` to put the boxes of a large model into blocks, ``none`` for one box a layer at the top.
        keep_functions: Whether calls of library functions stay calls where they hide layers.
        with_events: Whether the other events of the source's run, such as scalars, are copied.

    Returns:
        The repaired graph, proved to be the same op graph under other names.

    Raises:
        GraphdiagError: Something cannot be read, does not fit, has no layer graph, or cannot be written.
    """
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
    repaired = repair_source(source, model=model, options=options, group=group, keep_functions=keep_functions)
    if output is not None:
        write_log(repaired, Path(output), with_events=with_events)
    return repaired
