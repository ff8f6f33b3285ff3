"""The tab Graph diagnosis in TensorBoard itself, in Chromium.

With ``GRAPHDIAG_TENSORBOARD_PYTHON`` set to another interpreter, whose environment has graphdiag and another
TensorBoard, it is that TensorBoard.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.browser.tensorboard_page import chromium
from tests.browser.tensorboard_tab import Tab, requested, serving

pytestmark = pytest.mark.browser

LOGS = Path("fixtures", "logs")
REFERENCE = "keras216_reference"
ANSWER = "8 drawn layer edges are not in your model. All 8 are artifacts of one op, batchnorm_0_0/keras_learning_phase"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log directory with several runs."""
    top = tmp_path_factory.mktemp("logs")
    for name in (REFERENCE, "keras216_hidden_tensor", "k3_reference_training"):
        shutil.copytree(LOGS / name, top / name)
    return top


@pytest.fixture(scope="module")
def address(logs: Path) -> Iterator[str]:
    with serving("--logdir", str(logs), "--reload_interval", "1") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium(requests=True) as driver:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 1600, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
        )
        yield driver


@pytest.fixture(autouse=True)
def quiet(browser: Chrome, address: str) -> Iterator[None]:
    """No page may complain, nor ask for anything but of TensorBoard."""
    browser.get_log("performance")  # type: ignore[no-untyped-call] - of Chromium's own first page
    yield
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    own = (address, "about:", "data:", "blob:")
    assert {url for url in requested(messages) if not url.startswith(own)} == set()


def test_the_tab_has_the_answer_to_the_reference_log(browser: Chrome, address: str) -> None:
    tab = Tab(browser, address)
    assert "8 artifact" in tab.row(REFERENCE)
    assert ANSWER in tab.row(REFERENCE)
    tab.choose(REFERENCE)
    with tab.page():
        assert tab.one("h1").text.startswith(ANSWER)
        assert len(tab.all("#pane-layers .edge.s-artifact")) == 8


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
