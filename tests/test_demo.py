"""``graphdiag demo``: an answer for whoever has installed graphdiag and nothing else."""

from __future__ import annotations

from graphdiag.demo_log import contents
from tests.support.command_line import REFERENCE, assert_one_line, files_in, run


def test_it_gives_the_answer_of_the_reference_log():
    demo = run("demo")
    assert demo.returncode == 0, demo.stderr
    compared = run("compare", REFERENCE, "--model", REFERENCE / "model.json").stdout
    shown, expected = demo.stdout.splitlines(), compared.splitlines()
    different = [line for line, other in zip(shown, expected, strict=True) if line != other]
    assert different == ["source      a point-cloud network, Keras 2.1.6"]


def test_its_log_is_the_one_that_the_tests_hold_against_tensorboard():
    assert set(contents()) == {"model.json", "events.out.tfevents.1795380087.host"}
    for name, content in contents().items():
        assert content == (REFERENCE / name).read_bytes()


def test_it_writes_the_log_and_says_what_to_try(tmp_path):
    written = run("demo", "-o", "a log", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert files_in(tmp_path / "a log") == set(contents())
    tried = [line.strip() for line in written.stdout.splitlines() if "graphdiag" in line]
    assert tried[0] == "graphdiag compare 'a log' --model 'a log/model.json'"
    compared = run("compare", "a log", "--model", "a log/model.json", cwd=tmp_path)
    assert compared.stdout.startswith("8 drawn layer edges are not in your model.")


def test_it_writes_into_an_empty_directory(tmp_path):
    assert run("demo", "-o", tmp_path).returncode == 0
    assert files_in(tmp_path) == set(contents())


def test_it_leaves_what_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert_one_line(run("demo", "-o", tmp_path), f"{tmp_path}: already exists; give a new or empty directory.")
    assert_one_line(run("demo", "-o", tmp_path / "notes.txt"), "already exists")
    assert files_in(tmp_path) == {"notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
