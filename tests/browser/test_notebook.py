"""A report in a notebook: JupyterLab's own server and kernel, looked at in Chromium."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.tensorboard_page import chromium
from tests.support.graph_text import LOGS

pytestmark = pytest.mark.browser

LOG = LOGS / "keras216_reference"
CELLS = (
    f"import graphdiag\nreport = graphdiag.compare({str(LOG)!r}, model={str(LOG / 'model.json')!r})\nreport",
    "report.show()",
)
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/lab")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a free port, in a directory with one notebook."""
    place = tmp_path_factory.mktemp("notebooks")
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**empty, "id": f"cell{at}", "source": source} for at, source in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    (place / "report.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={place}", "--LabApp.expose_app_in_browser=True"]
    with (place / "said").open("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=place)
        try:
            yield _address(process, place / "said")
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[Any], said: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        found = ADDRESS.search(said.read_text())
        if found:
            urllib.request.urlopen(f"{found[1]}/api", timeout=60).close()
            return found[1]
        time.sleep(0.2)
    raise AssertionError(said.read_text()[-2000:])


@pytest.fixture(scope="module")
def notebook(server: str) -> Iterator[Chrome]:
    """The notebook, opened, with all its cells run."""
    with chromium() as driver:
        driver.set_window_size(1600, 1800)
        driver.get(f"{server}/lab/tree/report.ipynb?reset")
        _wait(driver, "return Boolean(window.jupyterapp && document.querySelector('.jp-Notebook .jp-Cell'))")
        driver.execute_async_script(
            "const done = arguments[0];"
            "const { sessionContext } = window.jupyterapp.shell.currentWidget;"
            "sessionContext.ready.then(() => done())"
        )
        driver.execute_script("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        shown = ".jp-OutputArea-output .graphdiag, iframe[srcdoc]"
        _wait(driver, f"return document.querySelectorAll('{shown}').length == 2")
        yield driver


def _wait(driver: Chrome, script: str) -> None:
    WebDriverWait(driver, 120, poll_frequency=0.2).until(lambda _: driver.execute_script(script))


def test_a_report_shows_its_words_and_its_picture(notebook: Chrome) -> None:
    [cell] = notebook.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output .graphdiag")
    assert "GD101" in cell.text
    [picture] = cell.find_elements(By.TAG_NAME, "img")
    sizes = "return [arguments[0].complete, arguments[0].naturalWidth > 200, arguments[0].naturalHeight > 200]"
    assert notebook.execute_script(sizes, picture) == [True, True, True]


def test_show_shows_the_page_in_the_cell(notebook: Chrome) -> None:
    [frame] = notebook.find_elements(By.CSS_SELECTOR, "iframe[srcdoc]")
    notebook.switch_to.frame(frame)
    try:
        _wait(notebook, "return document.querySelectorAll('#pane-layers .node').length == 28")
        [button] = notebook.find_elements(By.CSS_SELECTOR, ".pick[data-finding='0']")
        button.click()
        _wait(notebook, "return document.querySelectorAll('#pane-drawn .edge.marked').length == 8")
    finally:
        notebook.switch_to.default_content()
