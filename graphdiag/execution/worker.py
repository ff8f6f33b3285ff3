"""Run the graphs of jobs with TensorFlow. This module is the main program of a process of its own."""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphdiag.execution.job import Fed, Fetched, Job
from graphdiag.execution.memory import limit_memory
from graphdiag.execution.numbers import of_flag, of_input, of_variable, recipes

SEEDS = (1, 2, 3)
"""The model inputs on which a tensor must stay the same."""
_SEEDS_TO_DIFFER = (1, 2, 3, 4, 5, 6, 7, 8)
_WEIGHTS = (1, 2, 3)
_RUN_LIMIT_S = 30
_SEED_OF_OPS = 20
_LONGEST = 200

_NOT_ALIVE = "does not have value"
"""What TensorFlow says of a tensor in a branch that was not taken."""
_DEAD = "dead"
"""In the place of a value: the tensor is in a branch that was not taken."""

_NOTHING: dict[str, Any] = {"reason": "", "size": 0, "differs": None}

Values = list[Any]
"""The values of the tensors of one `Fetched`."""


class _CannotRun(Exception):  # noqa: N818
    """TensorFlow refused; the message is its reason."""


class _TooSlow(_CannotRun):
    """A run did not come to an end."""


def main() -> None:
    """Read jobs, pickled, from standard input; write each one's outcome to standard output as a line of JSON."""
    jobs: list[Job] = pickle.load(sys.stdin.buffer)
    # What a graph prints must not get among the outcomes.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import tensorflow as tf

    limit_memory()
    for job in jobs:
        results.write(json.dumps(_outcome(tf, job)) + "\n")
        results.flush()


def _outcome(tf: Any, job: Job) -> dict[str, Any]:
    """What came of a job: see `_Program.outcome`; or the ``reason`` alone, if nothing could be run."""
    try:
        return _Program(tf, job).outcome()
    except _CannotRun as error:
        if len(job.fetched) == 1 or isinstance(error, _TooSlow):
            return {"reason": str(error)}
    # What one tensor needs may be what fails.
    outcomes = [_outcome(tf, replace(job, fetched=(fetched,))) for fetched in job.fetched]
    ran = [outcome for outcome in outcomes if "crossings" in outcome]
    if not ran:
        return outcomes[0]
    return {
        "crossings": [
            outcome["crossings"][0] if "crossings" in outcome else {**_NOTHING, "reason": outcome["reason"]}
            for outcome in outcomes
        ],
        "runs": min(outcome["runs"] for outcome in ran),
        "inputs": len(SEEDS),
        "settings": ran[0]["settings"],
    }


class _Program:
    """The graph of one job, and its runs, each from the same start in a session of its own."""

    def __init__(self, tf: Any, job: Job) -> None:
        self.tf = tf
        self.v1 = tf.compat.v1
        self.job = job
        self.graph = tf.Graph()
        try:
            self._load()
        # TensorFlow refuses graphs with errors of many types.
        except Exception as error:
            raise _CannotRun(_first_line(error)) from error

    def _load(self) -> None:
        graph_def = self.v1.GraphDef.FromString(self.job.graph)
        for node in [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]:
            _tidy(node)
        with self.graph.as_default():
            self.tf.import_graph_def(graph_def, name="")
            self.start: dict[str, Any] = {}
            for fed in self.job.variables:
                operation = self.graph.get_operation_by_name(fed.name)
                value = self.v1.placeholder(self.tf.as_dtype(fed.dtype), fed.shape, name=f"start_{fed.name}")
                if operation.type == "VarHandleOp":
                    assign = self.tf.raw_ops.AssignVariableOp(resource=operation.outputs[0], value=value)
                else:
                    assign = self.tf.raw_ops.Assign(ref=operation.outputs[0], value=value).op
                self.start[fed.name] = assign
        self.tensors = [self._tensors(fetched) for fetched in self.job.fetched]

    def _tensors(self, fetched: Fetched) -> list[Any]:
        found = []
        for name in fetched.tensors:
            if ":" in name:
                found.append(self.graph.get_tensor_by_name(name))
            else:
                found += self.graph.get_operation_by_name(name).outputs
        return found

    # --- what comes of it --------------------------------------------------------------------------------------------

    def outcome(self) -> dict[str, Any]:
        """What was seen of each thing to look at.

        Returns:
            ``crossings``: for each a dict with ``reason`` (why nothing can be said), ``size`` (number of values) and
            ``differs``: None, or how many values differ (``count``, ``of``) between which two ``seeds``, under which
            ``setting`` of the flags. ``runs``: how often the graph ran, on how many ``inputs``. ``settings``: of the
            flags.

        Raises:
            _CannotRun: TensorFlow does not run the graph.
        """
        settings = self._settings()
        needed = [fed for fed in self.job.inputs if fed.name in self.job.needed]
        first: _CannotRun | None = None
        for self.recipe in recipes(needed):
            self.runs = 0
            self.alive: set[int] = set()
            self.seen: list[dict[str, Any]] = [{**_NOTHING, "reason": self._unfit(tensors)} for tensors in self.tensors]
            try:
                self._look(settings)
            except _TooSlow:
                raise
            except _CannotRun as error:
                first = first or error
            else:
                return {"crossings": self.seen, "runs": self.runs, "inputs": len(SEEDS), "settings": settings}
        assert first is not None
        raise first

    def _look(self, settings: Sequence[str]) -> None:
        """Run the graph on inputs of one recipe until everything is decided."""
        for setting in settings:
            if not self._open():
                return
            if self.job.to_differ:
                self._look_for_difference(setting)
            else:
                self._look_for_sameness(setting)
        for place in self._open():
            if self.job.to_differ:
                self.seen[place]["reason"] = "no two runs differed in it"
            elif place not in self.alive and not self.seen[place]["differs"]:
                self.seen[place]["reason"] = "it is in a branch that no run took"

    def _unfit(self, tensors: Sequence[Any]) -> str:
        if not tensors:
            return "the op that takes it gives nothing that could be compared"
        unfit = [tensor for tensor in tensors if tensor.dtype.base_dtype in (self.tf.resource, self.tf.variant)]
        return f"it is a {unfit[0].dtype.base_dtype.name}, which TensorFlow does not give out" if unfit else ""

    def _settings(self) -> list[str]:
        if not self.job.flags:
            return [""]
        return ["on", "off", *(["default"] if any(fed.optional for fed in self.job.flags) else [])]

    def _open(self) -> list[int]:
        """What is still to be decided."""
        return [
            place
            for place, seen in enumerate(self.seen)
            if not seen["reason"] and not (self.job.to_differ and seen["differs"])
        ]

    def _look_for_sameness(self, setting: str) -> None:
        first = self._run(setting, SEEDS[0], 1)
        again = self._run(setting, SEEDS[0], 1)
        others = {seed: self._run(setting, seed, 1) for seed in SEEDS[1:]}
        for place in self._open():
            seen = self.seen[place]
            alive = [value for value in first[place] if value is not _DEAD]
            if alive:
                self.alive.add(place)
            seen["size"] = max(seen["size"], sum(int(np.size(value)) for value in alive))
            if not _same(first[place], again[place]):
                seen["reason"] = "it is another one in each run, with the same inputs too"
            elif _has_nan(first[place]):
                seen["reason"] = "it is not a number (NaN) when the graph is run on random weights"
            for seed, values in others.items():
                if not seen["reason"] and not _same(first[place], values[place]):
                    # Only what the same inputs give again and again is due to the inputs.
                    if _same(self._run(setting, seed, 1)[place], values[place]):
                        seen["differs"] = self._difference(first[place], values[place], setting, SEEDS[0], seed)
                        break
                    seen["reason"] = "it is another one in each run, with the same inputs too"

    def _look_for_difference(self, setting: str) -> None:
        for weights in _WEIGHTS:
            if not self._open():
                return
            first = self._run(setting, 1, weights)
            again = self._run(setting, 1, weights)
            for seed in _SEEDS_TO_DIFFER[1:]:
                if not self._open():
                    return
                of_inputs = self.job.changed == "inputs"
                values = self._run(setting, seed if of_inputs else 1, weights if of_inputs else weights + seed)
                for place in self._open():
                    if _same(first[place], again[place]) and not _same(first[place], values[place]):
                        self.seen[place]["size"] = sum(int(np.size(value)) for value in values[place])
                        self.seen[place]["differs"] = self._difference(first[place], values[place], setting, 1, seed)

    def _difference(self, left: Values, right: Values, setting: str, first: int, second: int) -> dict[str, Any]:
        counts = [_count(one, other) for one, other in zip(left, right, strict=True)]
        differing, of = max(counts)
        return {"count": differing, "of": of, "seeds": [first, second], "setting": setting}

    # --- one run -----------------------------------------------------------------------------------------------------

    def _run(self, setting: str, inputs: int, weights: int) -> list[Values]:
        """The values of all that is still looked at; of the rest, nothing."""
        wanted = {place: self.tensors[place] for place in self._open()}
        writers = list(dict.fromkeys(name for place in wanted for name in self.job.fetched[place].writers))
        try:
            feeds = self._feeds(setting, inputs)
            start = {f"start_{fed.name}:0": of_variable(fed, self._numpy(fed), weights) for fed in self.job.variables}
            values = self._fetch(wanted, writers, feeds, start)
        except self.tf.errors.DeadlineExceededError as error:
            raise _TooSlow(f"a run took longer than {_RUN_LIMIT_S} s") from error
        # Besides its own errors TensorFlow raises ValueError, TypeError and others.
        except Exception as error:
            raise _CannotRun(_first_line(error)) from error
        return [values.get(place, []) for place in range(len(self.tensors))]

    def _fetch(
        self,
        wanted: Mapping[int, Sequence[Any]],
        writers: Sequence[str],
        feeds: Mapping[str, Any],
        start: Mapping[str, Any],
    ) -> dict[int, Values]:
        """All values at once; where one is dead, which spoils the others, each by itself."""
        try:
            return self._in_session(wanted, writers, feeds, start)
        except self.tf.errors.InvalidArgumentError as error:
            if _NOT_ALIVE not in str(error.message):
                raise
        found: dict[int, Values] = {}
        for place, tensors in wanted.items():
            if sum(map(len, wanted.values())) == 1:
                found[place] = [_DEAD]
            else:
                found[place] = [
                    self._fetch({place: [tensor]}, self.job.fetched[place].writers, feeds, start)[place][0]
                    for tensor in tensors
                ]
        return found

    def _in_session(
        self,
        wanted: Mapping[int, Sequence[Any]],
        writers: Sequence[str],
        feeds: Mapping[str, Any],
        start: Mapping[str, Any],
    ) -> dict[int, Values]:
        self.runs += 1
        limit = self.v1.RunOptions(timeout_in_ms=1000 * _RUN_LIMIT_S)
        with self.v1.Session(graph=self.graph, config=self._config()) as session:
            if self.start:
                session.run(list(self.start.values()), start, options=limit)
            for name in writers:
                session.run(self.graph.get_operation_by_name(name), feeds, options=limit)
            found: dict[int, Values] = session.run(dict(wanted), feeds, options=limit)
        return found

    def _config(self) -> Any:
        """One thread, and every op as it stands: nothing is folded or fused."""
        config = self.v1.ConfigProto(inter_op_parallelism_threads=1, intra_op_parallelism_threads=1)
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        config.graph_options.optimizer_options.opt_level = -1
        return config

    def _feeds(self, setting: str, seed: int) -> dict[str, Any]:
        feeds = {f"{fed.name}:0": of_input(fed, self._numpy(fed), self.recipe, seed) for fed in self.job.inputs}
        for fed in self.job.flags:
            if not (setting == "default" and fed.optional):
                feeds[f"{fed.name}:0"] = of_flag(fed, self._numpy(fed), on=setting != "off")
        return feeds

    def _numpy(self, fed: Fed) -> Any:
        return np.dtype(self.tf.as_dtype(fed.dtype).as_numpy_dtype)


def _tidy(node: Any) -> None:
    """Leave out attributes that this TensorFlow does not know, or that only describe; give random ops a seed."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(node.op)
    known = {attribute.name for attribute in definition.attr} if definition else set(node.attr)
    for name in list(node.attr):
        if name.startswith("_") or name not in known:
            del node.attr[name]
    node.device = ""
    if {"seed", "seed2"} <= known and not any(node.attr[name].i for name in ("seed", "seed2") if name in node.attr):
        node.attr["seed"].i = _SEED_OF_OPS
        node.attr["seed2"].i = sum(node.name.encode()) + 1


def _same(left: Values, right: Values) -> bool:
    """Bit for bit, or dead both times."""
    if len(left) != len(right):
        return False
    for one, other in zip(left, right, strict=True):
        if one is _DEAD or other is _DEAD:
            if one is not other:
                return False
        elif np.shape(one) != np.shape(other) or _bits(one) != _bits(other):
            return False
    return True


def _bits(value: Any) -> Any:
    array = np.asarray(value)
    return array.tolist() if array.dtype.kind == "O" else array.tobytes()


def _count(left: Any, right: Any) -> tuple[int, int]:
    """How many values of two tensors differ, and of how many; of other shapes, or dead once, all of them."""
    one, other = np.asarray(left), np.asarray(right)
    if left is _DEAD or right is _DEAD or one.shape != other.shape:
        size = max(1, one.size, other.size)
        return size, size
    if one.dtype.kind == "O":
        return int(np.sum(one != other)), one.size
    bits = [np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(array.size, -1) for array in (one, other)]
    return int(np.sum(np.any(bits[0] != bits[1], axis=1))), one.size


def _has_nan(values: Values) -> bool:
    return any(
        value is not _DEAD and np.asarray(value).dtype.kind in "fc" and bool(np.any(np.isnan(value)))
        for value in values
    )


def _first_line(error: Exception) -> str:
    """What TensorFlow says, without where in whose code an op was made."""
    text = str(getattr(error, "message", "") or error).strip() or type(error).__name__
    after_origin = re.search(r"^Node: '.*'\n(.+)", text, re.MULTILINE)
    return (after_origin[1] if after_origin else text.splitlines()[0])[:_LONGEST]
