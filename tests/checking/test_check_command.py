"""``graphdiag check`` as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from graphdiag.results.schemas import schema
from tests.support.graph_text import LOGS

CONFIG = """
baseline = "accepted.json"

[[models]]
name = "point cloud"
source = "cloud"
model = "cloud/model.json"

[[models]]
name = "gated"
source = "gated"
model = "gated/model.json"

[[contracts]]
name = "the towers meet at concatenate_1 only"
type = "independence"
models = ["point cloud"]
sets = [["conv1d_0_*", "batchnorm_0_*"], ["conv1d_1_*", "batchnorm_1_*"]]

[[contracts]]
name = "the gate stays out of the body"
type = "forbidden"
models = ["gated"]
from = ["gate"]
to = ["gated"]

[[contracts]]
name = "nothing is hidden"
type = "no-findings"
"""

SHOWN = """\
1 contract kept, 2 broken.

point cloud  cloud: 28 layers, 27 edges, 1,285 ops
gated        8 layers, 8 edges, 209 ops

kept    the towers meet at concatenate_1 only (independence)
BROKEN  the gate stays out of the body (forbidden)
BROKEN  nothing is hidden (no-findings)

the gate stays out of the body
  gate reaches gated
    gate
    -> gated
       Keras has no such edge: gate/Sigmoid (Sigmoid) -> gated/mul (Mul)

nothing is hidden
  gated: GD301 hidden-dependency: 1 drawn layer edge from gate/Sigmoid carries activations, and the
  model has no such edge: the dependency is real and hidden from Keras.
    gate -> gated
    fix: Give the tensor to the layer as an input instead of closing over it.
"""


@pytest.fixture
def project(tmp_path):
    shutil.copytree(LOGS / "keras216_reference", tmp_path / "cloud")
    shutil.copytree(LOGS / "keras216_hidden_tensor", tmp_path / "gated")
    (tmp_path / "graphdiag.toml").write_text(CONFIG)
    return tmp_path


def test_what_is_printed(graphdiag, project):
    (project / "accepted.json").write_text('{"schema": "graphdiag.baseline/1", "accepted": []}')
    done = graphdiag("check", cwd=project)
    assert (done.stdout, done.stderr, done.returncode) == (SHOWN, "", 1)


def test_a_baseline_that_does_not_exist_yet_is_named(graphdiag, project):
    done = graphdiag("check", cwd=project)
    assert done.stdout == SHOWN + "\naccepted.json does not exist yet; --update-baseline writes it.\n"
    assert "does not exist yet" not in graphdiag("check", "--update-baseline", cwd=project).stdout
    assert "does not exist yet" not in graphdiag("check", cwd=project).stdout


def test_from_a_directory_below(graphdiag, project):
    (project / "src").mkdir()
    done = graphdiag("check", "point cloud", cwd=project / "src")
    assert done.returncode == 0
    assert done.stdout.startswith("2 contracts kept.\n\npoint cloud  ../cloud: 28 layers")


def test_update_and_use_of_the_baseline(graphdiag, project):
    done = graphdiag("check", "--update-baseline", cwd=project)
    assert done.stdout.endswith("\naccepted.json accepts 1 finding.\n")
    assert (project / "accepted.json").read_text() == (
        '{"schema": "graphdiag.baseline/1",\n "accepted": [\n  {"model": "gated",\n   "code": "GD301",\n'
        '   "edges": [["gate", "gated"]],\n   "reason": "no reason given yet"}]}\n'
    )
    shutil.copytree(project / "cloud", project / "gated", dirs_exist_ok=True)
    for file in (project / "gated").glob("*.tfevents*"):
        if not (project / "cloud" / file.name).exists():
            file.unlink()
    done = graphdiag("check", "gated", "--format", "text", cwd=project)
    assert (
        "accepted.json accepts what is there no longer; 'graphdiag check --update-baseline' takes it out:\n"
        "  gated: GD301 gate -> gated\n"
    ) in done.stdout


def test_several_formats_in_one_run(graphdiag, project):
    formats = [("json", "check.json"), ("junit", "check.xml"), ("sarif", "check.sarif"), ("github", "-")]
    options = [option for name, file in formats for option in ("--format", name, "-o", file)]
    done = graphdiag("check", "--jobs", 2, *options, cwd=project)
    assert (done.stderr, done.returncode) == ("", 1)
    document = json.loads((project / "check.json").read_text())
    assert document["summary"] == {"kept": 1, "broken": 2, "unchecked": 0}
    assert list(Draft202012Validator(json.loads(schema("check"))).iter_errors(document)) == []
    for model in document["models"]:
        assert list(Draft202012Validator(json.loads(schema("report"))).iter_errors(model["report"])) == []
    suites = ElementTree.parse(project / "check.xml").getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("point cloud", "2", "0"),
        ("gated", "2", "2"),
    ]
    [run] = json.loads((project / "check.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["the gate stays out of the body", "nothing is hidden"]
    first = done.stdout.splitlines()[0]
    assert first.startswith("::error file=gated,title=the gate stays out of the body (gated)::gate reaches gated")


def test_all_that_the_json_can_hold_follows_its_schema(graphdiag, project):
    (project / "accepted.json").write_text(
        '{"schema": "graphdiag.baseline/1", "accepted": [{"model": "gated", "code": "GD303", "culprits": ["old"]}]}'
    )
    more = CONFIG.replace('from = ["gate"]', 'from = ["gat"]')
    (project / "graphdiag.toml").write_text(more + '\n[[models]]\nname = "absent"\nsource = "absent.pb"\n')
    done = graphdiag("check", "--format", "json", cwd=project)
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert document["summary"]["unchecked"] == 1
    assert document["baseline"]["gone"]
    assert document["models"][2]["report"] is None
    assert list(Draft202012Validator(json.loads(schema("check"))).iter_errors(document)) == []


def test_a_source_without_a_configuration(graphdiag, tmp_path):
    log = os.path.relpath(LOGS / "keras216_hidden_tensor", tmp_path)
    done = graphdiag("check", log, "--model", f"{log}/model.json", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("0 contracts kept, 1 broken.\n")
    done = graphdiag("check", log, "--model", f"{log}/model.json", "--ignore", "GD301", cwd=tmp_path)
    assert done.returncode == 0


def test_what_cannot_be_checked_is_named(graphdiag, project):
    shutil.rmtree(project / "cloud")
    done = graphdiag("check", cwd=project)
    assert done.returncode == 2
    assert done.stdout.startswith("0 contracts kept, 2 broken, 1 could not be checked.")
    assert "1 of 2 models could not be read: point cloud." in done.stdout
    assert "point cloud  cloud does not exist.\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "change", "message"),
    [
        (
            [],
            ("sets =", "stes ="),
            ", contract 'the towers meet at concatenate_1 only': there is no key 'stes'; the nearest is 'sets'.",
        ),
        (
            ["--ignore", "GD3O1"],
            None,
            "--ignore GD3O1: no rule has this code, the nearest is GD301; 'graphdiag explain' lists all.",
        ),
        (["--model", "m.json"], None, "--model needs a SOURCE; configured models have the key 'model'."),
        (["gated", "--model", "m.json"], None, "gated is configured as 'gated': its options stand in graphdiag.toml."),
        (["--config", "absent.toml"], None, "absent.toml: cannot be read: No such file or directory."),
        (["gate"], None, "gate: is not a model of graphdiag.toml, and no such file exists; the nearest is 'gated'."),
        (["--update-baseline"], ('baseline = "accepted.json"', ""), ": names no baseline; add baseline = "),
    ],
)
def test_what_ends_in_one_line(graphdiag, project, arguments, change, message):
    if change:
        (project / "graphdiag.toml").write_text(CONFIG.replace(*change, 1))
        message = f"graphdiag.toml{message}"
    done = graphdiag("check", *arguments, cwd=project)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith(f"graphdiag: {message}")
    assert done.stderr.count("\n") == 1


def test_nothing_to_check(graphdiag, tmp_path):
    done = graphdiag("check", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "graphdiag: there is no graphdiag.toml, and no pyproject.toml with [tool.graphdiag], here or above; "
        "https://graphdiag.github.io/graphdiag/ci/ shows one.\n"
    )


MISSPELT = """
[[contracts]]
name = "misspelt"  # a gate
type = "independence"
sets = ["gat", "gated"]
"""
BUDGET = """
[[contracts]]
name = 'few dense layers'
type = "budget"
max = {"class:Dense" = 1}
"""


def test_tools_are_told_files_and_lines_and_what_could_not_be_checked(graphdiag, tmp_path):
    (tmp_path / "net.py").write_text(
        """import keras

x = keras.Input((4,), name="x")
model = keras.Model(
    x,
    keras.layers.Dense(1, name="b")(
        keras.layers.Dense(2, name="a")(x)
    ),
)
"""
    )
    (tmp_path / "graphdiag.toml").write_text(f'[[models]]\nname = "net"\nsource = "net.py"\n{BUDGET}{MISSPELT}')
    files = {name: tmp_path / name for name in ("sarif", "junit", "github")}
    options = [part for name, file in files.items() for part in ("--format", name, "-o", file)]
    assert graphdiag("check", *options, cwd=tmp_path).returncode == 2
    broken, unchecked = files["github"].read_text().splitlines()
    assert broken.startswith("::error file=net.py,line=7,title=few dense layers::class:Dense: 2, ")
    assert unchecked.startswith("::error file=graphdiag.toml,line=11,title=misspelt::could not be checked: ")
    suite = ElementTree.parse(files["junit"]).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "1")
    [error] = suite.iter("error")
    assert error.text.splitlines()[0] == "graphdiag.toml:11"
    [run] = json.loads(files["sarif"].read_text())["runs"]
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["level"] == "error"
    lines = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in run["results"]
    }
    assert lines == {"few dense layers": 7, "misspelt": 11}


def test_tools_are_told_as_many_violations_as_people(graphdiag, tmp_path):
    dense = "".join(f'x = keras.layers.Dense(1, name="d{n}")(x)\n' for n in range(9))
    (tmp_path / "net.py").write_text(f"import keras\n\ni = x = keras.Input((4,))\n{dense}model = keras.Model(i, x)\n")
    contract = '[[contracts]]\nname = "twice"\ntype = "shared"\nshared = ["d*"]\n'
    (tmp_path / "graphdiag.toml").write_text(f'[[models]]\nname = "net"\nsource = "net.py"\n{contract}')
    told = graphdiag("check", "--format", "github", cwd=tmp_path).stdout.splitlines()
    assert [line.partition("twice::")[2] for line in told] == [
        *(f"d{number} is used once" for number in range(5)),
        "and 4 more of this kind (--format json has all)",
    ]
    assert "and 4 more (--format json has all)" in graphdiag("check", cwd=tmp_path).stdout


def test_annotations_of_a_diff_carry_the_line_of_the_layer(graphdiag, tmp_path):
    layer = "keras.layers.Dense(1, name='a')(x)"
    text = f"import keras\n\nx = keras.Input((4,), name='x')\nmodel = keras.Model(\n    x,\n    {layer},\n)\n"
    (tmp_path / "old.py").write_text(text)
    (tmp_path / "new.py").write_text(text.replace("Dense(1", "Dense(3"))
    told = graphdiag("diff", "old.py", "new.py", "--format", "github", cwd=tmp_path).stdout.splitlines()
    assert told[0].startswith("::error file=new.py,line=6,title=diff-settings::")
