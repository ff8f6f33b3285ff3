"""Code as people have it, through the command line: the model is found, and nothing is left in their directories."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.support.graph_text import FIXTURES
from tests.test_cli import assert_one_line

SCRIPTS = FIXTURES / "scripts"
FILES = FIXTURES / "files"


def tree(directory):
    """Every file with its content and time, and every directory."""
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
        for path in directory.rglob("*")
    }


@pytest.fixture
def scripts(tmp_path):
    """A copy of the scripts, with what a user has beside them."""
    shutil.copytree(SCRIPTS, tmp_path / "work", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "work" / "old_logs").mkdir()
    (tmp_path / "work" / "old_logs" / "events").write_text("of the last run")
    return tmp_path / "work"


@pytest.fixture
def compared(graphdiag, scripts):
    """Runs ``graphdiag compare`` in the directory of the scripts, or below it, and sees that it stays as it is."""

    def run(*arguments: object, below: str = "."):
        before = tree(scripts)
        done = graphdiag("compare", *arguments, cwd=scripts / below)
        assert tree(scripts) == before
        return done

    return run


def shown(done):
    """The model's size and the notes, as the text has them."""
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    sizes = text.rpartition(" your model ")[2].partition(" op graph")[0]
    return sizes, text


# --- scripts that train ----------------------------------------------------------------------------------------------


def test_a_training_script_ends_at_fit_and_writes_nothing(compared):
    sizes, text = shown(compared("train.py"))
    assert sizes == "5 layers, 4 edges"
    assert "The run ended in line 39 of train.py, at fit of 'mnist'; --run-to-end runs all of it" in text


def test_run_to_end_runs_all_of_it(graphdiag, scripts):
    file = scripts / "train.py"
    file.write_text(file.read_text().replace("epochs=30", "epochs=2"))
    done = graphdiag("compare", "train.py", "--run-to-end", cwd=scripts)
    sizes, text = shown(done)
    assert sizes == "5 layers, 4 edges"
    assert "The run ended" not in text
    assert "trained for 2 epochs" in done.stderr
    assert (scripts / "mnist.keras").is_file()
    assert not (scripts / "old_logs").exists()


def test_a_loop_of_ones_own_ends_at_the_first_step(compared):
    sizes, text = shown(compared("own_loop.py"))
    assert sizes == "2 layers, 1 edge"
    assert "The run ended in line 24 of own_loop.py, at apply_gradients;" in text


def test_a_script_that_wants_arguments_ends_in_one_line_that_shows_how(compared):
    assert_one_line(
        compared("main_guard.py"),
        "main_guard.py needs arguments: the following arguments are required: --data.",
        "graphdiag compare main_guard.py -- [-h] --data DATA [--units UNITS]",
    )


ABSL = """
from absl import app, flags

flags.DEFINE_string("data", None, "Where the pictures are.", required=True)
app.run(print)
"""
CLICK = """
import click


@click.command()
@click.option("--width", default=8)
@click.argument("out")
def main(width, out):
    pass


main()
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ABSL,
            "Flag --data must have a value other than None. Give them after --: graphdiag compare own.py -- --data=",
        ),
        (CLICK, "Missing argument 'OUT'. Give them after --: graphdiag compare own.py -- [OPTIONS] OUT"),
    ],
)
def test_other_readers_of_arguments_end_in_one_line_too(graphdiag, tmp_path, text, said):
    (tmp_path / "own.py").write_text(text)
    assert_one_line(graphdiag("compare", "own.py", cwd=tmp_path), said)


def test_a_script_that_asks_for_input_gets_none(tmp_path):
    (tmp_path / "own.py").write_text("n = int(input())")
    command = [sys.executable, "-m", "graphdiag", "compare", "own.py"]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert_one_line(done, "asks for input in line 1, and standard input has none; give it with a pipe.")


@pytest.mark.parametrize("line", ["units = int(sys.argv[1])", "data, units = sys.argv[1:]"])
def test_a_script_that_reads_its_command_line_itself_ends_in_one_line_too(graphdiag, tmp_path, line):
    (tmp_path / "own.py").write_text(f"import sys\n\n{line}\n")
    done = graphdiag("compare", "own.py", cwd=tmp_path)
    assert_one_line(done, "own.py needs arguments in line 3", "graphdiag compare own.py -- ARGUMENTS")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("os._exit(0)", "own.py ends the program in line 3 (exit status 0) before it gives a model"),
        ("os.execv(sys.executable, [sys.executable, '-c', ''])", "own.py puts another program in its place in line 3"),
        ("os.execlp('true', 'true')", "own.py puts another program in its place in line 3"),
    ],
)
def test_a_script_that_ends_its_process_is_not_a_pass(graphdiag, tmp_path, line, told):
    (tmp_path / "own.py").write_text(f"import os, sys\n\n{line}\n")
    assert_one_line(graphdiag("compare", "own.py", cwd=tmp_path), told)


COMPILED = """
import sys

import keras
import numpy as np

net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="net")
net.compile("sgd", "mse")
"""
OTHER = "other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\nother.compile('sgd', 'mse')\n"
LOADED = 'data = np.load("data.npz")\nnet.fit(data["x"], data["y"])\n'


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        (COMPILED + LOADED, (), "own.py raises FileNotFoundError in line 9: [Errno 2] No such file"),
        (COMPILED + "sys.exit('no data')\n", (), "own.py ends the program in line 9 (exit status 'no data'). What"),
        (
            COMPILED + OTHER + LOADED,
            ("--entry", "net"),
            "own.py raises FileNotFoundError in line 11",
        ),
    ],
)
def test_of_a_script_that_fails_after_its_model_was_compiled_that_model_is_taken(
    graphdiag, tmp_path, text, options, told
):
    (tmp_path / "own.py").write_text(text)
    sizes, said = shown(graphdiag("compare", "own.py", *options, cwd=tmp_path))
    assert sizes == "2 layers, 1 edge"
    assert told in said
    assert "What it compiled before, 'net', is the model here." in said


@pytest.mark.parametrize(
    "text",
    [
        COMPILED + OTHER + LOADED,
        "import keras\n\nclass Net(keras.Model):\n    pass\n\nNet().compile('sgd', 'mse')\nopen('data.npz')\n",
    ],
    ids=["several", "not-built"],
)
def test_a_script_that_fails_without_such_a_model_ends_in_its_error(graphdiag, tmp_path, text):
    (tmp_path / "own.py").write_text(text)
    assert_one_line(graphdiag("compare", "own.py", cwd=tmp_path), "own.py raises FileNotFoundError in line")


def test_an_error_in_a_layer_says_what_is_wrong_with_it(graphdiag, tmp_path):
    (tmp_path / "own.py").write_text(
        "import keras\n\nnet = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])\nnet(keras.Input((2,)))\n"
    )
    done = graphdiag("compare", "own.py", cwd=tmp_path)
    assert_one_line(done, "own.py raises ValueError in line 4", "expected shape=(None, 4), found shape=(None, 2)")
    assert "\x1b" not in done.stderr


MODELS_IN_A_TABLE = """
import keras

def made(units):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)], name=f"net{units}")

MODELS = {units: made(units) for units in (2, 3)}
"""
TRAINER = """
import os

import keras

class Trainer:
    def __init__(self):
        os.makedirs("run", exist_ok=True)
        os.chdir("run")
        with open("log.txt", "w") as log:
            log.write("begun")
        assert os.path.getsize("log.txt") == 5
        self.net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
"""
POOL = """
import multiprocessing

import keras

def square(number):
    return number * number

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(square, range(3)) == [0, 1, 4]
    net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
"""


THREAD = """
import threading

import keras
import numpy as np

done = threading.Event()
threading.Thread(target=done.wait).start()
net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
net.predict(np.ones((1, 4)))
done.set()
"""


@pytest.mark.parametrize(
    ("text", "options", "sizes"),
    [
        (MODELS_IN_A_TABLE, ["--entry", "net3"], "2 layers, 1 edge"),
        (THREAD, [], "2 layers, 1 edge"),
        (TRAINER, ["--entry", "Trainer"], "2 layers, 1 edge"),
        (POOL, [], "2 layers, 1 edge"),
    ],
)
def test_models_in_tables_in_trainers_and_beside_processes(graphdiag, tmp_path, text, options, sizes):
    (tmp_path / "own.py").write_text(text)
    assert shown(graphdiag("compare", "own.py", *options, cwd=tmp_path))[0] == sizes
    assert [path.name for path in tmp_path.iterdir()] == ["own.py"]


def test_sequential_models_are_called_by_their_names(graphdiag, tmp_path):
    (tmp_path / "own.py").write_text(MODELS_IN_A_TABLE)
    done = graphdiag("compare", "own.py", cwd=tmp_path)
    assert_one_line(done, "several Keras models: 'net2' (line 5), 'net3' (line 5);")


@pytest.mark.parametrize("entry", ["MODELS", "net4"])
def test_models_that_are_in_no_variable_are_named(graphdiag, tmp_path, entry):
    (tmp_path / "own.py").write_text(MODELS_IN_A_TABLE)
    done = graphdiag("compare", "own.py", "--entry", entry, cwd=tmp_path)
    assert_one_line(done, f"'{entry}'", "found the Keras models 'net2', 'net3'; choose one with --entry.")


GAN = """
import keras
import numpy as np

generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)], name="generator")
critic = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="critic")
noise = keras.Input((2,))
gan = keras.Model(noise, critic(generator(noise)), name="gan")
generator.predict(np.ones((1, 2)))
"""


def test_the_models_that_were_not_taken_are_named(graphdiag, tmp_path):
    (tmp_path / "own.py").write_text(GAN)
    sizes, text = shown(graphdiag("compare", "own.py", cwd=tmp_path))
    assert sizes == "2 layers, 1 edge"
    assert "The file makes 'gan' (line 8) as well; --entry and its name chooses another model." in text
    sizes, text = shown(graphdiag("compare", "own.py", "--entry", "gan", cwd=tmp_path))
    assert sizes == "3 layers, 2 edges"
    assert "as well" not in text


def test_the_model_of_main_is_found_and_arguments_come_after_two_dashes(compared):
    sizes, text = shown(compared("main_guard.py", "--show-shapes", "--", "--data", "pictures", "--units", "4"))
    assert sizes == "4 layers, 3 edges"
    assert "at fit of 'classifier'" in text


def test_a_module_gets_arguments_as_a_file_does(graphdiag, scripts, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(scripts / "main_guard.py", package)
    done = graphdiag("compare", "package.main_guard", "--", "--data", "pictures", "--units", "4", cwd=tmp_path)
    sizes, _ = shown(done)
    assert sizes == "4 layers, 3 edges"


def test_the_only_model_is_taken_and_its_parts_do_not_count(compared):
    sizes, _ = shown(compared("autoencoder.py"))
    assert sizes == "3 layers, 2 edges"


# --- packages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "below", "options", "sizes"),
    [
        ("src/shapes/nets/cnn.py", "project", (), "3 layers, 2 edges"),
        ("cnn.py", "project/src/shapes/nets", (), "3 layers, 2 edges"),
        ("shapes.nets.cnn:build_model", "project", ("--arg", "classes=7"), "3 layers, 2 edges"),
        ("scripts/train.py", "project", (), "3 layers, 2 edges"),
        ("project/legacy/net.py", ".", (), "2 layers, 1 edge"),
    ],
)
def test_packages(compared, source, below, options, sizes):
    found, text = shown(compared(source, *options, below=below))
    assert found == sizes
    assert f"source {source}" in text


def test_a_module_that_is_not_there(compared):
    assert_one_line(
        compared("shapes.nts:build_model", below="project"),
        "shapes.nts:build_model: there is no module 'shapes.nts' in ., src, nor installed",
    )


def test_two_files_with_neighbors_of_one_name_each_get_their_own(graphdiag, tmp_path):
    for name, units in (("old", 2), ("new", 3)):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "sizes.py").write_text(f"UNITS = {units}\n")
        (directory / "net.py").write_text(
            "import keras\nfrom sizes import UNITS\n"
            "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(UNITS, name='dense')])\n"
        )
    done = graphdiag("diff", "old/net.py", "new/net.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "(None, 2)" in done.stdout
    assert "(None, 3)" in done.stdout


# --- classes and builders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (("--entry", "LeNet.build", "--arg", "width=12", "--arg", "height=12"), "4 layers, 3 edges"),
        (("--entry", "ModelBuilder.build", "--arg", "units=4", "--arg", "dropout=.1"), "4 layers, 3 edges"),
        (("--entry", "Tower", "--input-shape", "None,4"), "subclassed: its edges are not on record"),
        (("--entry", "unet", "--arg", "depth=2"), "3 layers, 2 edges"),
    ],
)
def test_what_makes_a_model_is_named(compared, options, sizes):
    found, _ = shown(compared("classes.py", *options))
    assert found == sizes


def test_a_file_without_a_model_lists_what_may_make_one_with_the_call(compared):
    assert_one_line(
        compared("classes.py"),
        "'LeNet.build', 'ModelBuilder.build', 'Tower', 'unet'",
        "--entry LeNet.build --arg width=... --arg height=...;",
        "--entry ModelBuilder.build --arg units=...;",
        "--entry unet --arg depth=...",
    )


def test_a_class_that_lacks_an_argument_says_which(compared):
    assert_one_line(compared("classes.py", "--entry", "ModelBuilder.build"), "ModelBuilder(units)", "give --arg")


# --- notebooks, TensorFlow without Keras, saved models ---------------------------------------------------------------


def test_a_notebook_is_run_cell_by_cell_without_magics(compared):
    sizes, text = shown(compared("notebook.ipynb"))
    assert sizes == "3 layers, 2 edges"
    assert "The run ended in line 2 of notebook.ipynb (cell 5), at fit of 'classifier'" in text


def test_a_notebook_whose_cells_have_no_id_is_read_without_a_warning(compared, scripts):
    """As tools write it that know an older format: nbformat warns of each."""
    file = scripts / "notebook.ipynb"
    notebook = json.loads(file.read_text())
    for cell in notebook["cells"]:
        cell.pop("id", None)
    file.write_text(json.dumps({**notebook, "nbformat_minor": 5}))
    done = compared("notebook.ipynb")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_ipython_gives_to_every_cell_is_there_and_shows_nothing(compared, scripts):
    file = scripts / "notebook.ipynb"
    notebook = json.loads(file.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    shell = "get_ipython().run_line_magic('matplotlib', 'inline')\nassert 'colab' not in str(get_ipython())"
    code[0]["source"] = f"display('shown')\n{shell}\n{''.join(code[0]['source'])}"
    file.write_text(json.dumps(notebook))
    done = compared("notebook.ipynb")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shown" not in done.stdout


NET = """import keras
from blocks.dense import hidden

class Double(keras.layers.Layer):
    def call(self, x):
        return x * 2
"""
BUILD = """
def build():
    x = keras.Input((4,), name="x")
    return keras.Model(x, Double(name="double")(hidden(x)), name="net")
"""
DENSE = "import keras\n\ndef hidden(x):\n    return keras.layers.Dense(UNITS, name='hidden')(x)\n\nUNITS = 3\n"


def of_cells(*sources):
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


@pytest.mark.parametrize("place", ["net.py", "/content/net.py"])
def test_a_notebook_imports_what_its_cells_write(compared, scripts, place):
    (scripts / "of_files.ipynb").write_text(
        of_cells(
            f"%%writefile {place}\n{NET}",
            f"%%writefile -a {place}\n{BUILD}",
            "!mkdir -p blocks\n%mkdir blocks\n",
            f"%%writefile blocks/dense.py\n{DENSE}",
            "import net\nmodel = net.build()",
        )
    )
    sizes, _ = shown(compared("of_files.ipynb"))
    assert sizes == "3 layers, 2 edges"


@pytest.mark.parametrize("place", ["../kept.json", "{}/kept.json", "~/kept.json"])
def test_a_cell_writes_no_file_outside_of_the_notebooks_directory(compared, scripts, monkeypatch, place):
    """Notebooks put keys for services into the home directory, where the user has some already."""
    home = scripts.parent
    monkeypatch.setenv("HOME", str(home))
    (home / "kept.json").write_text("mine")
    build = "import keras\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])"
    (scripts / "keys.ipynb").write_text(of_cells(f"%%writefile {place.format(home)}\n{{}}\n", build))
    sizes, _ = shown(compared("keys.ipynb"))
    assert sizes == "2 layers, 1 edge"
    assert (home / "kept.json").read_text() == "mine"


def test_a_script_imports_what_it_writes(compared, scripts):
    (scripts / "of_files.py").write_text(
        f"import os\n\nos.makedirs('blocks')\nopen('blocks/dense.py', 'w').write({DENSE!r})\n"
        f"with open('written_net.py', 'w') as file:\n    file.write({NET + BUILD!r})\n"
        "from written_net import build\n\nmodel = build()\n"
    )
    sizes, _ = shown(compared("of_files.py", "--verify"))
    assert sizes == "3 layers, 2 edges"


def test_an_error_in_a_notebook_names_the_cell(graphdiag, scripts):
    file = scripts / "notebook.ipynb"
    file.write_text(file.read_text().replace("classifier.compile", "undefined"))
    done = graphdiag("compare", file.name, cwd=scripts)
    assert_one_line(done, "notebook.ipynb raises NameError in line 1 of cell 5: name 'undefined' is not defined")


@pytest.mark.parametrize("text", ["{}", "[1]", "not JSON"])
def test_a_damaged_notebook_ends_in_one_line(graphdiag, tmp_path, text):
    (tmp_path / "net.ipynb").write_text(text)
    assert_one_line(graphdiag("compare", "net.ipynb", cwd=tmp_path), "not a Jupyter notebook that nbformat can read")


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("tf_function.py", ()),
        ("tf_module.py", ("--input-shape", "1,4")),
        ("tf_module_loop.py", ()),
        ("tf1_graph.py", ()),
    ],
)
def test_tensorflow_without_keras_has_its_op_graph(compared, source, options):
    done = compared(source, *options, "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["layer_graph"] is None
    assert "MatMul" in report["op_graph"]["types"]
    assert any("no Keras model: there is the op graph only" in note for note in report["notes"])


def test_a_training_loop_without_an_optimizer_ends_at_its_second_gradient(compared):
    text = " ".join(compared("tf_module_loop.py").stdout.split())
    assert "The run ended in line 25 of tf_module_loop.py, at gradient;" in text


def test_a_module_that_was_never_called_says_what_is_missing(compared):
    assert_one_line(compared("tf_module.py"), "tf_module.py cannot be traced", "give the shape with --input-shape")


def test_a_saved_model_says_how_it_gets_an_op_graph(graphdiag):
    done = graphdiag("compare", FILES / "tfk_siamese.keras")
    assert "--load has Keras load the model, which runs its code, and traces it" in " ".join(done.stdout.split())


def test_a_saved_model_that_is_loaded_has_an_op_graph(graphdiag):
    done = graphdiag("compare", FILES / "tfk_siamese.h5", "--load", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["source"]["kind"], report["graphs"]["layers"]["edges"]) == ("keras_file", 6)
    assert report["graphs"]["ops"]["nodes"] > 20


def test_code_in_a_saved_model_is_run_only_when_it_is_asked_for(graphdiag):
    done = graphdiag("compare", FILES / "k3_siamese.keras", "--load")
    assert_one_line(done, "it holds Python code, of a Lambda layer say", "add --unsafe")
    done = graphdiag("compare", FILES / "k3_siamese.keras", "--load", "--unsafe", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["graphs"]["ops"]["nodes"] > 20


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--load",), "Keras does not know the class 'Own'; give the Python file that builds the model instead"),
        (("--graph", "inference"), "--graph applies to a Keras file that is loaded; add --load"),
    ],
)
def test_a_saved_model_that_cannot_be_loaded(graphdiag, options, told):
    assert_one_line(graphdiag("compare", FILES / "k3_subclassed.keras", *options), told)


# --- drawing ---------------------------------------------------------------------------------------------------------


def test_draw_takes_what_compare_takes(graphdiag, scripts):
    before = tree(scripts)
    entry = ("classes.py", "--entry", "unet", "--arg", "depth=2", "--graph", "inference")
    done = graphdiag("draw", *entry, "--depth", "2", cwd=scripts)
    assert done.returncode == 0, done.stderr
    assert "level_1" in done.stdout
    assert "<svg" in graphdiag("draw", "main_guard.py", "--format", "svg", "--", "--data", "x", cwd=scripts).stdout
    assert tree(scripts) == before


# --- what TensorFlow says when it is loaded --------------------------------------------------------------------------


def test_tensorflow_says_nothing(compared):
    done = compared("autoencoder.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_tensorflow_says_is_shown_when_it_cannot_be_loaded(graphdiag, tmp_path):
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os\nos.write(2, b'no such instruction set\\n')\nraise ImportError('libtensorflow.so: broken')\n"
    )
    (tmp_path / "net.py").write_text("import tensorflow\n")
    done = graphdiag("compare", "net.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "no such instruction set",
        "graphdiag: net.py raises ImportError in line 1: libtensorflow.so: broken",
    ]
