"""The configuration: where it is found, what it says, and how it is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from graphdiag.checking.config import DEFAULT_CONTRACT, Config, find_config, read_config
from graphdiag.checking.contracts.independence import Independence
from graphdiag.checking.contracts.patterns import LayerSet
from graphdiag.errors import ConfigError, UsageError

WHOLE = """
select = ["GD1", "gd3"]
ignore = ["GD105"]
baseline = "accepted.json"

[severity]
GD101 = "error"
GD4 = "off"

[[models]]
name = "point cloud"
source = "models/pointcloud.py"
entry = "build"
arguments = { depth = 3, name = "deep" }
graph = "inference"
input_shape = ["None", 39, 3]
ignore = ["GD303"]

[[models]]
name = "log"
source = "logs/run"
model = "logs/model.json"
run = "train"
tag = "step"
verify = true

[[contracts]]
name = "towers apart"
type = "independence"
models = ["log"]
sets = [["a*", "b"], "c"]
"""

IT = ", contract 'towers apart': "
LISTED = "'graphdiag explain' lists all."


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def put(text, name="graphdiag.toml"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return Path(os.path.relpath(file))

    return put


def refused(file):
    with pytest.raises(ConfigError) as caught:
        read_config(file)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_all_that_it_can_say(write):
    config = read_config(write(WHOLE))
    cloud, log = config.models
    assert (cloud.name, cloud.source) == ("point cloud", "models/pointcloud.py")
    assert cloud.options == {
        "entry": "build",
        "arguments": {"depth": 3, "name": "deep"},
        "graph": "inference",
        "input_shape": (None, 39, 3),
        "ignore": ("GD303",),
    }
    assert log.options == {"model": "logs/model.json", "run": "train", "tag": "step", "verify": True}
    assert (config.select, config.ignore) == (("GD1", "GD3"), ("GD105",))
    assert config.severity == {"GD101": "error", "GD4": "off"}
    assert config.baseline == Path("accepted.json")
    [contract] = config.contracts
    assert isinstance(contract, Independence)
    assert (contract.name, contract.models) == ("towers apart", ("log",))
    assert contract.sets == (LayerSet(("a*", "b"), "sets[0]"), LayerSet(("c",), "sets[1]"))


@pytest.mark.parametrize("name", ["graphdiag.toml", "pyproject.toml", "other.toml"])
def test_the_same_tables_stand_in_either_file(write, name):
    prefixed = "[tool.graphdiag]\n" + re.sub(r"^(\[+)", r"\1tool.graphdiag.", WHOLE, flags=re.MULTILINE)
    assert read_config(write(prefixed, name)).models == read_config(write(WHOLE, "plain.toml")).models


def test_the_file_may_be_given_as_text(write):
    file = write(WHOLE)
    assert read_config(str(file)) == read_config(file)


def test_without_contracts_there_is_one_about_findings(write):
    config = read_config(write('[[models]]\nname = "a"\nsource = "a.py"\n'))
    assert config.contracts == (DEFAULT_CONTRACT,)
    assert (DEFAULT_CONTRACT.type, DEFAULT_CONTRACT.severity) == ("no-findings", "error")


def test_paths_are_those_of_the_configuration(write, tmp_path, monkeypatch):
    file = tmp_path / write(WHOLE, "sub/graphdiag.toml")
    config = read_config(Path("sub/graphdiag.toml"))
    assert [model.source for model in config.models] == ["sub/models/pointcloud.py", "sub/logs/run"]
    assert config.models[1].options["model"] == "sub/logs/model.json"
    assert config.baseline == Path("sub/accepted.json")
    (tmp_path / "sub" / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "sub" / "deep")
    assert read_config(file).models[0].source == "../models/pointcloud.py"


def test_it_is_found_here_or_above(write, tmp_path, monkeypatch):
    write("[tool.graphdiag]\n", "pyproject.toml")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert find_config(Path()) == Path("../../pyproject.toml")
    write('[project]\nname = "other"\n', "a/pyproject.toml")
    assert find_config(Path()) == Path("../../pyproject.toml")
    write("", "a/graphdiag.toml")
    assert find_config(Path()) == Path("../graphdiag.toml")
    write("[tool.graphdiag]\n", "a/pyproject.toml")
    assert find_config(Path()) == Path("../graphdiag.toml")


def test_a_project_without_a_table_has_none(write):
    file = write('[project]\nname = "other"\n', "pyproject.toml")
    assert find_config(Path()) is None
    assert refused(file) == "pyproject.toml: has no table [tool.graphdiag]."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[contracts]]", "[[contrats]]", ": there is no key 'contrats'; the nearest is 'contracts'."),
        ('source = "logs/run"', "sorce = 'x'", ": models[1]: there is no key 'sorce'; the nearest is 'source'."),
        ('source = "logs/run"\n', "", ": models[1]: the key 'source' is missing."),
        ('name = "log"\n', "", ": models[1]: the key 'name' is missing."),
        ('name = "log"', 'name = "point cloud"', ": models[1]: there is another one of the name 'point cloud'."),
        ('name = "log"', "name = 3", ": models[1].name: must be a string, not 3."),
        (
            '"inference"',
            '"infrence"',
            ": models[0].graph: must be one of training, inference, train-step, and is 'infrence'; the nearest is "
            "'inference'.",
        ),
        (
            '["None", 39, 3]',
            '["None", "39"]',
            ": models[0].input_shape: '39' is not a size; write a number from 1 on, or \"None\".",
        ),
        (
            "input_shape = [",
            "input_shape = 39 #",
            ': models[0].input_shape: must be a list of sizes, the batch first: ["None", 39].',
        ),
        ("arguments = {", "arguments = 3 #", ": models[0].arguments: must be a table, and is 3."),
        (
            '"GD303"',
            '"GD3O3"',
            ": models[0].ignore[0]: no rule has the code 'GD3O3'; the nearest is 'GD303'; " + LISTED,
        ),
        ("GD101 =", "GD1O1 =", ": severity.GD1O1: no rule has the code 'GD1O1'; the nearest is 'GD101'; " + LISTED),
        (
            '"off"',
            '"of"',
            ": severity.GD4: must be one of error, warning, note, off, and is 'of'; the nearest is 'off'.",
        ),
        ("[severity]", "[[severity]]", ": severity: must be a table, and is a list."),
        (
            'name = "towers apart"\n',
            "",
            ": contracts[0]: the key 'name' is missing; a contract of type 'independence' needs it.",
        ),
        ('type = "independence"\n', "", IT + "the key 'type' is missing; there are no-findings, "),
        (
            '"independence"',
            '"independance"',
            IT + "type: there is no contract of type 'independance'; the nearest is 'independence'.",
        ),
        ("sets =", "set =", IT + "there is no key 'set'; the nearest is 'sets'."),
        ("sets =", "#", IT + "the key 'sets' is missing; a contract of type 'independence' needs it."),
        ('"c"]', "4]", IT + "sets[1]: must be a string, not 4."),
        (', "c"]', "]", IT + "sets: must have at least 2 entries."),
        ('models = ["log"]', 'models = ["lag"]', IT + "models[0]: there is no model 'lag'; the nearest is 'log'."),
        ("select = [", "select = {", ": is not TOML: "),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_right_word(write, old, new, message):
    assert old in WHOLE
    told = refused(write(WHOLE.replace(old, new, 1)))
    assert told.startswith(f"graphdiag.toml{message}")


@pytest.mark.parametrize("name", ["graphdiag.toml", "pyproject.toml"])
def test_tables_that_would_not_be_read_are_refused(write, name):
    assert refused(write(WHOLE + '\n[tool.graphdiag]\nbaseline = "accepted.json"\n', name)) == (
        f"{name}: 'models' stands outside [tool.graphdiag], which the file has too, and would not be read; move it in "
        "there as tool.graphdiag.models."
    )


def test_two_contracts_of_one_name(write):
    contract = '[[contracts]]\nname = "it"\ntype = "acyclic"\n'
    assert refused(write(contract * 2)) == "graphdiag.toml: contracts[1]: there is another one of the name 'it'."


def test_a_file_that_cannot_be_read(tmp_path):
    assert refused(tmp_path / "absent.toml").endswith("absent.toml: cannot be read: No such file or directory.")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "binary.toml: is not TOML: " in refused(tmp_path / "binary.toml")


def test_one_configured_model_by_its_name_or_its_source(write):
    config = read_config(write(WHOLE))
    by_name = config.only("log")
    assert by_name == config.only("./logs/run")
    assert [model.name for model in by_name.models] == ["log"]
    assert by_name.contracts == config.contracts
    with pytest.raises(UsageError, match=r"log is configured as 'log': its options stand in graphdiag\.toml"):
        config.only("log", {"model": "other.json"})


def test_a_source_may_hold_several_models(write):
    again = WHOLE.replace('name = "log"', 'name = "log 2"').partition("[[models]]")[2].partition("[[contracts]]")[0]
    config = read_config(
        write(WHOLE.replace("[[contracts]]", f"[[models]]{again}[[contracts]]".replace("point cloud", "p2")))
    )
    one = config.only("logs/run")
    assert [model.name for model in one.models] == ["log", "log 2"]
    assert one.left_out == {"point cloud", "p2"}


def test_a_source_that_is_neither_configured_nor_there(write, tmp_path):
    config = read_config(write(WHOLE))
    with pytest.raises(UsageError) as caught:
        config.only("pont cloud")
    assert str(caught.value) == (
        "pont cloud: is not a model of graphdiag.toml, and no such file exists; the nearest is 'point cloud'."
    )
    with pytest.raises(UsageError, match=r"no such file exists; there are point cloud, log\.$"):
        config.only("elsewhere/x.py")
    (tmp_path / "lag").touch()
    assert config.only("lag").models[0].source == "lag"


def test_another_source_is_held_against_the_contracts_for_all_models(write, tmp_path):
    config = read_config(write(WHOLE + '\n[[contracts]]\nname = "no loop"\ntype = "acyclic"\n'))
    (tmp_path / "new.py").touch()
    other = config.only("new.py")
    assert [contract.name for contract in other.contracts] == ["no loop"]
    assert read_config(write(WHOLE)).only("new.py").contracts == (DEFAULT_CONTRACT,)
    assert Config().only("new.py", {"model": "m.json"}).models[0].options == {"model": "m.json"}
