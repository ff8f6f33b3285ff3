"""Model files with what is true of them: runs show it, and graphdiag says it, live and from logs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.models.answers import ask, in_another_process, ways_of
from tests.models.oracle import Observed, observe
from tests.models.truth import Answer, judge, stack_of, truth_of, unexpected, unseen

CASES = {path.stem: path for path in sorted((Path(__file__).resolve().parents[2] / "fixtures" / "cases").glob("*.py"))}
TF1 = [path for path in CASES.values() if stack_of(path) == "tf1"]
WAYS = [(name, graph, via) for name, path in CASES.items() for graph, via in ways_of(path)]


@cache
def tf1() -> tuple[dict[str, Observed], dict[tuple[str, str, str], Answer]]:
    """What runs show of the files in TF 1 graph mode, and what graphdiag says of them."""
    observed, answers = in_another_process(TF1)
    return (
        {Path(path).stem: found for path, found in observed.items()},
        {(Path(answer.path).stem, answer.graph, answer.via): answer for answer in answers},
    )


@pytest.mark.parametrize("name", CASES)
def test_the_truth_is_what_runs_show(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some write files
    truth = truth_of(CASES[name])
    observed = tf1()[0][name] if CASES[name] in TF1 else observe(CASES[name])
    assert unseen(observed.activations, truth.hidden) == []
    assert unseen(observed.next_call, truth.next_call) == []
    assert unseen(observed.parameters, truth.parameters) == []
    assert unexpected(truth, observed.activations, truth.hidden) == []
    assert unexpected(truth, observed.next_call, truth.dependencies) == []
    assert unexpected(truth, observed.parameters, truth.dependencies) == []


@pytest.mark.parametrize(("name", "graph", "via"), WAYS)
def test_graphdiag_says_the_truth(name: str, graph: str, via: str) -> None:
    path = CASES[name]
    answer = tf1()[1][name, graph, via] if path in TF1 else ask(path, graph, via)
    assert judge(truth_of(path), answer).lines() == []


def test_what_a_file_does_not_record_is_a_note_and_no_advice() -> None:
    live, logged = (ask(CASES["einsum_tf_keras"], "inference", via) for via in ("live", "log"))
    assert not live.notes or "does not record" not in " ".join(live.notes)
    assert "Keras's JSON does not record what tf.einsum is given; what it takes is not judged." in logged.notes
    assert not {"GD402", "GD403"} & {*live.codes, *logged.codes}
