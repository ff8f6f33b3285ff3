"""``graphdiag check --scheduler``: the same contracts on the same models, on a Dask cluster."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command_line import run
from tests.support.graph_text import FIXTURES, LOGS

_CONFIG = """
[[models]]
name = "dies"
source = "dies.py"

[[models]]
name = "log"
source = "{log}"
model = "{log}/model.json"

[[models]]
name = "file"
source = "{file}"

[[contracts]]
name = "nothing hidden"
type = "no-findings"
allow_missing_graph = true
"""


def test_a_cluster_checks_the_models_that_this_machine_checks(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    log, file = LOGS / "keras216_reference", FIXTURES / "files" / "k3_siamese.keras"
    (tmp_path / "graphdiag.toml").write_text(_CONFIG.format(log=log, file=file))
    here = run("check", "--format", "json", cwd=tmp_path)
    there = run("check", "--format", "json", "--scheduler", "local", "-j", "2", cwd=tmp_path)
    assert (there.returncode, there.stderr) == (here.returncode, here.stderr) == (2, "")
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert "its process ended with status -9" in there.stdout
