"""The tab Graph diagnosis in TensorBoard itself, in Chromium.

With ``GRAPHDIAG_TENSORBOARD_PYTHON`` set to another interpreter, whose environment has graphdiag and another
TensorBoard, it is that TensorBoard:

    GRAPHDIAG_TENSORBOARD_PYTHON=/path/to/venv/bin/python pytest tests/browser/test_tensorboard_tab.py
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import Select

from graphdiag import compare
from tests.browser.tensorboard_page import PAGE, chromium, read_page
from tests.browser.tensorboard_tab import Tab, requested, serving
from tests.sources.event_files import graph, run_graph, write_log

pytestmark = pytest.mark.browser

LOGS = Path("fixtures", "logs")
REFERENCE = "keras216_reference"
HIDDEN = "keras216_hidden_tensor"
ANSWER = "8 drawn layer edges are not in your model. All 8 are artifacts of one op, batchnorm_0_0/keras_learning_phase"
EVENTS = "events.out.tfevents.1700000000.host"
HOSTILE = "<img src=x onerror=window.hacked=1>&amp;\"'=&#"
TENSORBOARDS_OWN = "/font-roboto/"
"""TensorBoard does not find its own fonts where it is served under a prefix."""
DRAWN_RUN = """
const controls = part('tf-graph-controls');
return controls && controls.datasets.length ? controls.datasets[controls._selectedRunIndex].name : null;
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log directory with several runs."""
    top = tmp_path_factory.mktemp("logs")
    for name in (REFERENCE, HIDDEN, "k3_reference_training"):
        shutil.copytree(LOGS / name, top / name)
    # Without a model beside it.
    (top / "bare").mkdir()
    [events] = (LOGS / REFERENCE).glob("*tfevents*")
    shutil.copy(events, top / "bare")
    return top


@pytest.fixture(scope="module")
def address(logs: Path) -> Iterator[str]:
    with serving("--logdir", str(logs), "--reload_interval", "1") as found:
        yield found


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads: Path) -> Iterator[Chrome]:
    with chromium(requests=True) as driver:
        resize(driver, 1600)
        behavior = {"behavior": "allow", "downloadPath": str(downloads)}
        driver.execute_cdp_cmd("Page.setDownloadBehavior", behavior)
        yield driver


@pytest.fixture(autouse=True)
def quiet(browser: Chrome) -> Iterator[None]:
    """No page may complain, nor ask for anything but of TensorBoard."""
    browser.get_log("performance")  # type: ignore[no-untyped-call] - of Chromium's own first page
    yield
    complaints = [entry["message"] for entry in browser.get_log("browser")]  # type: ignore[no-untyped-call]
    assert [message for message in complaints if TENSORBOARDS_OWN not in message] == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    own = ("http://127.0.0.1:", "about:", "data:", "blob:")
    assert {url for url in requested(messages) if not url.startswith(own)} == set()


def resize(driver: Chrome, width: int) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


# --- the answer ------------------------------------------------------------------------------------------------------


def test_tensorboard_has_the_tab(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address)
    tab.leave()
    named = [each.text.lower() for each in tab.all("[role=tab]")]
    assert "graph diagnosis" in named


def test_the_tab_has_the_answer_to_the_reference_log(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address)
    assert "8 artifact" in tab.row(REFERENCE)
    assert ANSWER in tab.row(REFERENCE)
    tab.choose(REFERENCE)
    with tab.page():
        assert tab.one("h1").text.startswith(ANSWER)
        assert len(tab.all("#pane-layers .edge.s-artifact")) == 8
        assert len(tab.all("#pane-drawn .edge.s-artifact")) == 8


def test_as_drawn_and_repaired_side_by_side(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address, run=REFERENCE)
    with tab.page():
        [both] = [button for button in tab.all(".choice button") if button.text == "Both side by side"]
        both.click()
        tab.wait(lambda: tab.all("#pane-repaired .node"))
        assert len(tab.all("#pane-drawn .edge.s-artifact")) == 8
        assert len(tab.all("#pane-repaired .edge.s-artifact")) == 0


def test_a_finding_lights_up_and_stands_in_the_address(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address, run=REFERENCE)
    with tab.page():
        tab.all(".pick")[0].click()
        tab.wait(lambda: len(tab.all("#pane-layers .edge.marked")) == 8)
    tab.leave()
    tab.wait(lambda: tab.fragment.endswith("&p.graphdiag.at=GD101"))
    tab.open(run=REFERENCE, at="GD101")
    with tab.page():
        tab.wait(lambda: len(tab.all("#pane-layers .edge.marked")) == 8)
        assert tab.one(".pick[aria-pressed='true']").text.startswith("GD101")


def test_an_address_leads_to_a_layer(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address, run=REFERENCE, at="layer=conv1d_0_1")
    with tab.page():
        assert tab.wait(lambda: tab.one("#details h2").text) == "conv1d_0_1"


def test_runs_are_filtered_by_name(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address)
    tab.row(REFERENCE)
    tab.one("#filter").send_keys("^keras216.*(tensor|reference)$")
    assert tab.runs == [HIDDEN, REFERENCE]
    assert tab.one(".about").text.startswith("2 of ")
    tab.one("#filter").send_keys("(")
    assert len(tab.runs) >= 4


# --- what else can be done -------------------------------------------------------------------------------------------


def test_a_layer_graph_is_chosen_for_a_log_without_one(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address, run="bare")
    with tab.page():
        assert "name scopes" in tab.one(".facts").text
    choice = Select(tab.all(".bar select")[1])
    choice.select_by_visible_text(f"{REFERENCE}/model.json")
    tab.wait(lambda: f"p.graphdiag.model={REFERENCE}/model.json" in unquote(tab.fragment))
    with tab.page():
        tab.wait(lambda: tab.one("h1").text.startswith(ANSWER))


def test_what_changed_between_two_runs(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address, run=HIDDEN)
    tab.row(REFERENCE)
    Select(tab.all(".bar select")[2]).select_by_visible_text(REFERENCE)
    tab.wait(lambda: tab.fragment.endswith(f"&p.graphdiag.to={REFERENCE}"))
    tab.driver.switch_to.frame(tab.wait(lambda: tab.all(".page iframe"))[0])
    tab.wait(lambda: tab.all("h1"))
    assert tab.one("h1").text.startswith("8 layers added, 28 layers removed")


def test_the_repaired_graph_is_downloaded_and_draws_right(
    browser: Chrome, address: str, downloads: Path, tmp_path: Path
) -> None:
    tab = Tab(browser, address, run=REFERENCE)
    tab.row(REFERENCE)
    [button] = [each for each in tab.all(".bar button") if each.text == "Download repaired graph"]
    button.click()
    [file] = tab.wait(lambda: [each for each in downloads.iterdir() if each.name.endswith(".graphdiag")])
    shutil.copytree(downloads, tmp_path / "repaired")
    report = compare(LOGS / REFERENCE, model=LOGS / REFERENCE / "model.json")
    assert report.layer_graph is not None
    with serving("--logdir", str(tmp_path / "repaired"), "--load_fast=false") as other:
        drawn = read_page(browser, other)
        browser.get("about:blank")
    assert file.name == "events.out.tfevents.0000000000.graphdiag"
    assert {tuple(edge) for edge in drawn["root"]["core_edges"]} == set(report.layer_graph.edges)


def test_a_finding_leads_to_tensorboards_own_page(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address, run=REFERENCE)
    with tab.page():
        tab.all(".finding a.graphs")[0].click()
    tab.leave()
    tab.wait(lambda: tab.script(PAGE + DRAWN_RUN) == REFERENCE)
    tab.wait(lambda: tab.script(PAGE + "return settled(null)"))
    assert tab.fragment.startswith(f"graphs&run={REFERENCE}")
    # And back, where everything is as it was.
    [own] = [each for each in tab.all("[role=tab]") if each.text.lower() == "graph diagnosis"]
    own.click()
    with tab.page():
        assert tab.one("h1").text.startswith(ANSWER)


def test_runs_that_arrive_later_appear(browser: Chrome, address: str, logs: Path) -> None:
    tab = Tab(browser, address)
    tab.row(REFERENCE)
    shutil.copytree(LOGS / "keras216_dead_layer", logs / "later")
    try:
        assert tab.wait(lambda: "later" in tab.runs)
        assert tab.row("later")
    finally:
        shutil.rmtree(logs / "later")
    tab.wait(lambda: "later" not in tab.runs)


# --- looks -----------------------------------------------------------------------------------------------------------


def test_the_tab_is_as_dark_as_tensorboard(browser: Chrome, address: str) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    tab = Tab(browser, address, run=REFERENCE)
    with tab.page():
        assert tab.script(ground) == "rgb(244, 245, 248)"
    tab.leave()
    tab.one("app-header-dark-mode-toggle button").click()
    [dark] = tab.wait(lambda: [each for each in tab.all("[role=menuitem]") if "Dark" in each.text])
    dark.click()
    tab.enter()
    tab.wait(lambda: tab.script(ground) == "rgb(15, 18, 24)")
    with tab.page():
        tab.wait(lambda: tab.script(ground) == "rgb(15, 18, 24)")
    tab.leave()
    tab.one("app-header-dark-mode-toggle button").click()
    [light] = tab.wait(lambda: [each for each in tab.all("[role=menuitem]") if "Light" in each.text])
    light.click()
    with tab.page():
        tab.wait(lambda: tab.script(ground) == "rgb(244, 245, 248)")


@pytest.mark.parametrize("width", [1600, 1000])
def test_nothing_is_cut_off(width: int, browser: Chrome, address: str) -> None:
    resize(browser, width)
    try:
        tab = Tab(browser, address, run=HIDDEN)
        tab.row(HIDDEN)
        wide = "return document.documentElement.scrollWidth - innerWidth"
        assert tab.script(wide) <= 0
        with tab.page():
            assert tab.script(wide) <= 0
    finally:
        resize(browser, 1600)


# --- ways to start TensorBoard ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loading", ["true", "false"])
def test_a_prefix_and_several_log_directories(loading: str, browser: Chrome, logs: Path, tmp_path: Path) -> None:
    write_log(tmp_path / HOSTILE.replace("/", "") / EVENTS, [run_graph(graph(f"{HOSTILE}/op", "b/op"))])
    where = ("--logdir", str(tmp_path)) if loading == "true" else ("--logdir_spec", f"old:{logs},{tmp_path}")
    with serving(*where, f"--load_fast={loading}", "--path_prefix=/board") as found:
        tab = Tab(browser, found)
        tab.choose(HOSTILE)
        with tab.page():
            assert HOSTILE in tab.one(".facts").text
            assert tab.script("return window.hacked || top.hacked || parent.hacked") is None
        tab.leave()
        assert tab.fragment.count("=") == 1
        tab.open(run=HOSTILE)
        with tab.page():
            assert HOSTILE in tab.one(".facts").text
        if loading == "false":
            tab.choose(f"old/{REFERENCE}")
            with tab.page():
                assert tab.one("h1").text.startswith(ANSWER)
        browser.get("about:blank")


def test_within_a_notebook(browser: Chrome, address: str, tmp_path: Path) -> None:
    """``%tensorboard`` shows TensorBoard in a frame of the notebook's page, which is another server's."""
    board = f'<iframe id="board" width="1200" height="800" src="{address}/#graphdiag"></iframe>'
    (tmp_path / "notebook.html").write_text(f"<!doctype html><link rel=icon href=data:,>{board}")
    with pages_of(tmp_path) as notebooks:
        browser.get(f"{notebooks}/notebook.html")
        browser.switch_to.frame("board")
        tab = Tab(browser)
        browser.switch_to.frame(tab.wait(lambda: tab.all("iframe[src*='name=graphdiag']"))[0])
        assert ANSWER in tab.row(REFERENCE)
        tab.choose(REFERENCE)
        browser.switch_to.frame(tab.wait(lambda: tab.all(".page iframe"))[0])
        tab.wait(lambda: tab.all("#pane-layers .edge.s-artifact"))
        browser.get("about:blank")


@contextmanager
def pages_of(folder: Path) -> Iterator[str]:
    """Serves files; the address, without a slash at the end."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""
