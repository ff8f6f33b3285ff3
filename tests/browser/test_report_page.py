"""The html page in Chromium: what it shows, what a click and a key do, and that it makes no network requests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from graphdiag.render.html.check_page import to_html
from graphdiag.results.check_report import CheckReport, ContractOutcome, ContractStatus
from graphdiag.results.document import from_dict as report_from_dict
from graphdiag.results.report import Report
from graphdiag.unprintable import escape_unprintable
from tests.browser.tensorboard_page import chromium
from tests.support.check_reports import checked
from tests.support.graph_text import FIXTURES
from tests.support.layers import layer_graph
from tests.support.page_reports import HOSTILE, large_report, report_of, with_names
from tests.support.reports import report_on

pytestmark = pytest.mark.browser

LAYERS, DRAWN, REPAIRED = "pane-layers", "pane-drawn", "pane-repaired"
ARTIFACTS = 8


class Page:
    """A report's page, opened."""

    def __init__(
        self, driver: Chrome, report: Report | CheckReport, folder: Path, width: int = 1600, height: int = 1000
    ) -> None:
        self.driver = driver
        file = folder / "page.html"
        content = report.render("html") if isinstance(report, Report) else to_html(report)
        assert isinstance(content, str)
        file.write_text(content, encoding="utf-8")
        self.address = file.as_uri()
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        driver.get_log("performance")  # type: ignore[no-untyped-call]
        driver.get(self.address)
        self.wait(lambda: driver.execute_script("return document.documentElement.dataset.ready"))

    def follow(self, fragment: str) -> None:
        """Opens the page anew, at an address with this fragment."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.address}#{fragment}")
        self.wait(lambda: self.driver.execute_script("return document.documentElement.dataset.ready"))

    @property
    def fragment(self) -> str:
        """What the address says of the selection."""
        return self.driver.current_url.partition("#")[2]

    def wait(self, met: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, 30, poll_frequency=0.05).until(lambda _: met())

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        [found] = self.all(selector)
        return found

    def count(self, pane: str, selector: str) -> int:
        return len(self.all(f"#{pane} {selector}"))

    def edges(self, pane: str, selector: str = "") -> list[str]:
        """``source → target`` of the edges in a picture that fit a selector."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent.split('\\n')[0])"
        return sorted(self.driver.execute_script(script, f"#{pane} .edge{selector} title"))

    def boxes(self, pane: str, selector: str = ":not(.cluster)") -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent.split('\\n')[0])"
        return sorted(self.driver.execute_script(script, f"#{pane} .node{selector} > title"))

    def box(self, pane: str, name: str) -> WebElement:
        script = """
            return [...document.querySelectorAll(arguments[0])]
                .find((each) => each.querySelector("title").textContent.split("\\n")[0] === arguments[1])"""
        found: WebElement = self.driver.execute_script(script, f"#{pane} .node", name)
        assert found is not None, name
        return found

    def click(self, element: WebElement) -> None:
        """A click on the middle of an element."""
        ActionChains(self.driver).move_to_element(element).click().perform()

    def drawn_again(self, pane: str, act: Callable[[], Any]) -> None:
        """Does something after which a picture is laid out anew, and waits for it."""
        script = "return document.querySelector(arguments[0]).firstChild"
        before = self.driver.execute_script(script, f"#{pane} .world")
        act()
        self.wait(lambda: self.driver.execute_script(script, f"#{pane} .world") != before)

    def open_all(self, pane: str) -> None:
        self.one(f"#{pane} .act[aria-label='Open all boxes']").click()

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> str:
        script = "const at = document.activeElement; return at.getAttribute('aria-label') || at.textContent || at.id"
        return str(self.driver.execute_script(script))

    @property
    def details(self) -> str:
        return self.one("#details").text

    @property
    def said(self) -> str:
        return str(self.driver.execute_script("return document.getElementById('live').textContent"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium(requests=True) as driver:
        yield driver


@pytest.fixture
def show(browser: Chrome, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page of a report. In the end, no page may have complained, or asked for anything but itself."""
    pages: list[Page] = []

    def open_page(report: Report | CheckReport, **options: int) -> Page:
        pages.append(Page(browser, report, tmp_path, **options))
        return pages[-1]

    yield open_page
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    asked = requested(browser)
    assert {page.address for page in pages} <= asked
    assert {address for address in asked if not address.startswith("blob:null/")} == {page.address for page in pages}
    assert browser.execute_script("return window.hacked") is None


def requested(driver: Chrome) -> set[str]:
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]  # type: ignore[no-untyped-call]
    asked = {
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    }
    return {address.partition("#")[0] for address in asked if not address.startswith(("about:", "data:image/svg+xml,"))}


@pytest.fixture
def reference(show: Callable[..., Page]) -> Page:
    return show(report_on("keras216_reference"))


# --- what it shows ---------------------------------------------------------------------------------------------------


def test_the_reference_model(reference: Page) -> None:
    assert reference.count(LAYERS, ".node") == 28
    assert reference.count(LAYERS, ".edge.s-model") == 27
    assert reference.count(LAYERS, ".edge.s-artifact") == ARTIFACTS
    assert reference.count(LAYERS, ".edge") == 27 + ARTIFACTS
    assert reference.edges(LAYERS, ".s-artifact") == reference.edges(DRAWN, ".s-artifact")
    assert reference.one("h1").text.startswith("8 drawn layer edges are not in your model.")
    legend = {chip.get_attribute("data-status"): chip.text for chip in reference.all(".chip")}
    assert legend["artifact"].split() == ["A", "8", "artifact"]
    assert legend["model"].split() == ["27", "in", "your", "model"]


def test_the_drawn_graph_is_what_tensorboard_shows(reference: Page) -> None:
    report = report_on("keras216_reference")
    assert report.drawn_graph is not None
    root = report.drawn_graph.root
    assert reference.edges(DRAWN, ".s-model") == sorted(" → ".join(edge) for edge in root.core_edges)
    assert reference.boxes(DRAWN) == sorted([*root.core, *root.out_extract])
    assert reference.boxes(DRAWN, ".cluster") == ["Auxiliary nodes"]


def test_stubs_stand_in_the_legend_where_there_are_some(show: Callable[..., Page], reference: Page) -> None:
    [chip] = reference.all(".chip[data-status='aside']")
    assert chip.text == "a stub in TensorBoard"
    assert reference.one(f"#{DRAWN} .bar .about").text == "28 boxes, 25 arrows, 10 stubs in place of arrows"
    page = show(report_on("tf110_mnist_171"))
    assert page.count(DRAWN, ".s-aside") == 0
    assert not page.one(".chip[data-status='aside']").is_displayed()


def test_statuses_differ_without_color(show: Callable[..., Page]) -> None:
    page = show(report_on("keras216_hidden_two_hops"))
    looks = {
        status: page.driver.execute_script(
            """const edge = document.querySelector(arguments[0]);
            const line = edge.querySelector('.line');
            return [line.getAttribute('stroke-dasharray'), edge.querySelector('.head').getAttribute('class'),
                    edge.querySelector('.letter')?.textContent, Boolean(edge.querySelector('.inner'))].join()""",
            f"#{LAYERS} .edge.s-{status}",
        )
        for status in ("model", "artifact", "hidden")
    }
    assert len(set(looks.values())) == 3
    assert looks["hidden"].split(",")[2:] == ["H", "true"]


def test_missing_edges_stand_in_both_pictures(show: Callable[..., Page]) -> None:
    layers = layer_graph([("x", "a"), ("a", "b")], inputs=["x"])
    page = show(report_of(layers, "x Feed\na/out Neg x\nb/out Neg x"))
    assert page.edges(LAYERS, ".s-missing") == page.edges(DRAWN, ".s-missing") == ["a → b"]
    assert page.edges(LAYERS, ".s-hidden") == page.edges(DRAWN, ".s-hidden") == ["x → b"]
    assert page.one(f"#{DRAWN} .bar .about").text.endswith(", 1 missing")


# --- clicks ----------------------------------------------------------------------------------------------------------


def test_a_finding_marks_its_edges_and_boxes_in_both_pictures(reference: Page) -> None:
    button = reference.one(".pick[data-finding='0']")
    artifacts = reference.edges(LAYERS, ".s-artifact")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert reference.edges(LAYERS, ".marked") == artifacts
    assert reference.edges(DRAWN, ".marked") == artifacts
    ends = sorted({end for edge in artifacts for end in edge.split(" → ")})
    assert reference.boxes(LAYERS, ".marked") == reference.boxes(DRAWN, ".marked:not(.cluster)") == ends
    assert reference.said == "GD101 shared-learning-phase: 8 layer edges and 8 arrows marked."
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert reference.edges(LAYERS, ".marked") == reference.edges(DRAWN, ".marked") == []


def test_another_finding_takes_the_place_of_the_first(reference: Page) -> None:
    reference.one(".pick[data-finding='0']").click()
    reference.one(".pick[data-finding='1']").click()
    assert [button.get_attribute("aria-pressed") for button in reference.all(".pick")] == ["false", "true"]
    assert reference.edges(DRAWN, ".marked") == ["batchnorm_0_0 → conv1d_0_1", "conv1d_0_0 → batchnorm_0_0"]


def test_a_layer_shows_its_ops_its_findings_and_what_its_edges_carry(reference: Page) -> None:
    reference.click(reference.box(LAYERS, "batchnorm_0_1"))
    said = reference.details
    assert said.startswith("batchnorm_0_1")
    assert "BatchNormalization" in said
    assert "GD101 shared-learning-phase" in said
    assert re.search(r"batchnorm_0_0 artifact; carries .*flag", said)
    assert re.search(r"conv1d_0_1 in your model; carries activation", said)
    report = report_on("keras216_reference")
    assert report.op_graph is not None
    ops = [op for op in report.op_graph.names if report.owner(op) == "batchnorm_0_1"]
    assert f"Ops ({len(ops)})" in said
    assert "batchnorm_0_1/cond/pred_id Identity" not in said
    [more] = [button for button in reference.all("#details .rows .act") if button.text.endswith("more")]
    more.click()
    assert "batchnorm_0_1/cond/pred_id Identity" in reference.details
    reference.one("#details .rows:last-child .act").click()
    assert len(reference.all("#details .rows:last-child code")) == len(ops)
    assert reference.boxes(DRAWN, ".marked") == ["batchnorm_0_1"]


def test_a_layer_shows_what_was_set(reference: Page) -> None:
    reference.click(reference.box(LAYERS, "dense_0"))
    report = report_on("keras216_reference")
    assert report.layer_graph is not None
    settings = report.layer_graph.layers["dense_0"].settings
    assert settings
    assert f"units {settings['units']}" in reference.details
    assert "activation relu" in reference.details
    assert f"{report.layer_graph.layers['dense_0'].parameters:,} parameters" in reference.details


def test_a_box_shows_whose_ops_it_holds(reference: Page) -> None:
    reference.click(reference.box(DRAWN, "batchnorm_0_0"))
    assert 'under "Auxiliary Nodes": out-degree 9 > 4' in reference.details
    assert "Holds ops of (1)\nbatchnorm_0_0" in reference.details
    assert reference.boxes(LAYERS, ".marked") == ["batchnorm_0_0"]


def test_an_edge_shows_its_op_edges(reference: Page) -> None:
    reference.click(reference.box(LAYERS, "dropout_0"))
    [link] = [
        row for row in reference.all("#details button.row") if row.text.startswith("A") and "batchnorm_0_0" in row.text
    ]
    link.click()
    assert reference.details.startswith("batchnorm_0_0 → dropout_0")
    assert "batchnorm_0_0/keras_learning_phase (PlaceholderWithDefault, output 0) → dropout_0/cond" in reference.details
    assert reference.edges(LAYERS, ".marked") == reference.edges(DRAWN, ".marked") == ["batchnorm_0_0 → dropout_0"]


def test_an_edge_can_be_clicked(reference: Page) -> None:
    script = """const line = document.querySelector('#pane-layers .edge.s-artifact .hit');
        const point = line.getPointAtLength(line.getTotalLength() / 2).matrixTransform(line.getScreenCTM());
        return [Math.round(point.x), Math.round(point.y)]"""
    x, y = reference.driver.execute_script(script)
    actions = ActionChains(reference.driver)
    actions.w3c_actions.pointer_action.move_to_location(x, y)
    actions.click().perform()
    assert len(reference.edges(LAYERS, ".marked")) == 1
    assert "artifact: drawn, and proved that no activation flows." in reference.details


def test_escape_clears(reference: Page) -> None:
    reference.one(".pick[data-finding='0']").click()
    reference.press(Keys.ESCAPE)
    assert reference.edges(LAYERS, ".marked") == []
    assert not reference.one("#details").is_displayed()


# --- opening and closing ---------------------------------------------------------------------------------------------


def test_a_metanode_opens_and_closes(reference: Page) -> None:
    report = report_on("keras216_reference")
    assert report.drawn_graph is not None
    box = reference.box(DRAWN, "dense_0")
    assert box.get_attribute("aria-expanded") == "false"
    reference.drawn_again(DRAWN, lambda: ActionChains(reference.driver).double_click(box).perform())
    inside = set(report.drawn_graph.children("dense_0"))
    assert inside < set(reference.boxes(DRAWN))
    opened = reference.box(DRAWN, "dense_0")
    assert opened.get_attribute("aria-expanded") == "true"
    [button] = [each for each in reference.all("#details .act") if each.text == "Close this box"]
    reference.drawn_again(DRAWN, button.click)
    assert not inside & set(reference.boxes(DRAWN))


def test_edges_stay_when_a_box_opens(reference: Page) -> None:
    box = reference.box(DRAWN, "batchnorm_0_1")
    reference.drawn_again(DRAWN, lambda: ActionChains(reference.driver).double_click(box).perform())
    assert reference.count(DRAWN, ".edge.s-artifact") == ARTIFACTS
    reference.one(".pick[data-finding='0']").click()
    assert "batchnorm_0_0 → batchnorm_0_1" in reference.edges(DRAWN, ".marked")


def test_a_nested_model_opens_and_closes(show: Callable[..., Page]) -> None:
    page = show(report_on("keras216_siamese"))
    assert "encoder/enc_bn" in page.boxes(LAYERS)
    assert page.boxes(LAYERS, ".cluster") == ["encoder"]
    page.drawn_again(LAYERS, lambda: page.one(f"#{LAYERS} .act[aria-label='Close all boxes']").click())
    assert page.boxes(LAYERS) == ["distance", "encoder", "left", "right", "same"]
    assert page.edges(LAYERS) == ["distance → same", "encoder → distance", "left → encoder", "right → encoder"]
    page.click(page.box(LAYERS, "encoder"))
    assert "Functional" in page.details or "Model" in page.details or "Sequential" in page.details
    assert "encoder/enc_a" in page.details


# --- the first look, and what is around a finding --------------------------------------------------------------------


def test_the_first_look_on_keras_3_shows_the_model(show: Callable[..., Page]) -> None:
    """Its boxes lie within the model's, which TensorBoard moves aside, beside a crowd of captured variables."""
    page = show(report_on("k3_reference_training"))
    boxes = page.boxes(DRAWN)
    layers = {
        f"functional_1/{layer}_1" for layer in page.boxes(LAYERS) if layer not in ("pt_cloud_0", "pt_cloud_1", "aux_in")
    }
    assert layers < {*boxes}
    assert "functional_1/dense_0_1 → functional_1/dropout_0_1" in page.edges(DRAWN)
    assert not [box for box in boxes if box.endswith("_resource")]
    assert page.box(DRAWN, "Captured variables").text.split() == ["Captured", "variables", "59", "variables"]
    # The finding about these lights up their box, which stays closed.
    page.one(".pick").click()
    page.wait(lambda: page.boxes(DRAWN, ".marked") == ["Captured variables"])
    page.drawn_again(DRAWN, lambda: page.open_all(DRAWN))
    assert len([box for box in page.boxes(DRAWN) if box.endswith("_resource")]) == 59


@pytest.fixture
def live(show: Callable[..., Page], tmp_path: Path) -> Callable[[Path], Page]:
    """The page of a Python file's model, which is built and traced in a process of its own."""

    def open_page(file: Path) -> Page:
        saved = tmp_path / "report.json"
        subprocess.run([sys.executable, "-m", "graphdiag", "compare", str(file), "-o", str(saved)], check=True)
        return show(report_from_dict(json.loads(saved.read_text(encoding="utf-8"))))

    return open_page


def test_resnet50_of_keras_3_is_seen_at_once(live: Callable[[Path], Page], tmp_path: Path) -> None:
    file = tmp_path / "resnet50.py"
    file.write_text("import keras\n\nmodel = keras.applications.ResNet50(weights=None)\n", encoding="utf-8")
    page = live(file)
    assert page.one("h1").text.startswith("Your model has 192 layer edges, and TensorBoard's op graph has the same")
    # Layers in a row are folded, on both sides in the same way.
    assert page.count(LAYERS, ".node") < 100
    assert page.count(DRAWN, ".node") < 100
    assert "conv5_block2_out" in page.boxes(LAYERS)
    assert "resnet50_1/conv5_block2_out_1" in page.boxes(DRAWN)
    assert page.box(DRAWN, "Captured variables").text.split()[-2:] == ["320", "variables"]
    # What is searched for comes out of its row, on both sides.
    page.one("#search").send_keys("conv4_block3_2_relu")
    page.wait(lambda: hits(page))
    page.drawn_again(LAYERS, lambda: page.press(Keys.ENTER))
    page.wait(lambda: page.boxes(LAYERS, ".chosen") == ["conv4_block3_2_relu"])


def test_a_hidden_dependency_of_keras_3_lights_up_on_both_sides(live: Callable[[Path], Page]) -> None:
    page = live(FIXTURES / "models" / "closure_layer_keras3.py")
    assert "Both are real" in page.one("h1").text
    assert page.edges(LAYERS, ".s-hidden") == ["closure_layer_1/unknown_1/stray_1 → unknown", "tied → again"]
    assert page.edges(DRAWN, ".s-hidden") == ["closure_layer_1/tied_1 → closure_layer_1/again_1"]
    [shared] = [pick for pick in page.all(".pick") if pick.text.startswith("GD303")]
    shared.click()
    page.wait(lambda: page.edges(LAYERS, ".marked") == ["tied → again"])
    page.wait(lambda: page.edges(DRAWN, ".marked") == ["closure_layer_1/tied_1 → closure_layer_1/again_1"])
    assert page.fragment == "GD303"


def test_a_finding_is_uncovered_on_both_sides(show: Callable[..., Page]) -> None:
    page = show(report_on("keras216_sequential_in_sequential"))
    for pane in (LAYERS, DRAWN):
        for button in page.all(f"#{pane} .act[aria-label='Close all boxes']"):
            if button.is_displayed():
                page.drawn_again(pane, button.click)
    assert "inner/ib" not in page.boxes(LAYERS)
    assert page.edges(LAYERS, ".s-artifact") == ["inner → ob", "inner → od"]
    page.all(".pick")[0].click()
    page.wait(lambda: page.edges(LAYERS, ".marked") == ["inner/ib → ob", "inner/ib → od"])
    assert page.edges(DRAWN, ".marked")


def test_the_whole_card_of_a_finding_selects_it(reference: Page) -> None:
    reference.click(reference.all(".finding p")[0])
    assert reference.all(".pick")[0].get_attribute("aria-pressed") == "true"
    # Evidence opens and selects nothing else.
    reference.all(".finding summary")[0].click()
    assert reference.all(".pick")[0].get_attribute("aria-pressed") == "true"


# --- the address -----------------------------------------------------------------------------------------------------


def test_the_address_holds_what_is_selected(reference: Page) -> None:
    reference.one(".pick[data-finding='0']").click()
    reference.wait(lambda: reference.fragment == "GD101")
    reference.click(reference.box(LAYERS, "batchnorm_0_1"))
    assert reference.fragment == "layer=batchnorm_0_1"
    reference.click(reference.box(DRAWN, "batchnorm_0_0"))
    assert reference.fragment == "box=batchnorm_0_0"
    reference.press(Keys.ESCAPE)
    assert reference.fragment == ""


def test_an_address_selects_what_it_holds(reference: Page) -> None:
    artifacts = reference.edges(LAYERS, ".s-artifact")
    reference.follow("GD101")
    reference.wait(lambda: reference.edges(LAYERS, ".marked") == artifacts)
    reference.follow("layer=dense_0")
    reference.wait(lambda: reference.boxes(LAYERS, ".chosen") == ["dense_0"])
    reference.follow("edge=dense_0&to=dropout_0")
    reference.wait(lambda: reference.edges(LAYERS, ".marked") == ["dense_0 → dropout_0"])
    reference.follow("box=dense_0/MatMul")
    reference.wait(lambda: reference.boxes(DRAWN, ".chosen") == ["dense_0/MatMul"])
    reference.follow("repaired=dense_0")
    reference.wait(lambda: reference.boxes(REPAIRED, ".chosen") == ["dense_0"])
    for nothing in ("GD999", "layer=unknown", "edge=dense_0", "arrow=dense_0&to=unknown"):
        reference.follow(nothing)
        assert reference.boxes(LAYERS, ".marked") == []


def test_an_address_finds_its_model_in_a_check(show: Callable[..., Page]) -> None:
    page = show(checked())
    page.follow("model=2&GD301")
    page.wait(lambda: page.edges(LAYERS, ".marked") == ["state → scaled", "state → shifted"])
    assert page.fragment == "model=2&GD301"


# --- files, and the overview -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "name"), [("Save as SVG", "graphdiag-layers.svg"), ("Save as PNG", "graphdiag-layers.png")]
)
def test_a_picture_is_saved(reference: Page, tmp_path: Path, label: str, name: str) -> None:
    places = {"behavior": "allow", "downloadPath": str(tmp_path)}
    reference.driver.execute_cdp_cmd("Browser.setDownloadBehavior", places)
    reference.one(f"#{LAYERS} .act[aria-label='{label}']").click()
    reference.wait((tmp_path / name).exists)
    content = (tmp_path / name).read_bytes()
    if name.endswith(".png"):
        assert content.startswith(b"\x89PNG")
        width = int.from_bytes(content[16:20], "big")
        assert width > 600
        return
    picture = ElementTree.fromstring(content)
    namespace = "{http://www.w3.org/2000/svg}"
    names = [each.text for each in picture.iter(f"{namespace}text")]
    assert {"conv1d_0_0", "BatchNormalization", "prediction"} <= {*names}
    # Other programs know no style sheet: each box and line says what it looks like.
    assert "var(" not in content.decode()
    for rectangle in picture.iter(f"{namespace}rect"):
        assert rectangle.get("fill")


def test_the_overview_shows_the_way_around_a_large_picture(show: Callable[..., Page], reference: Page) -> None:
    assert not [each for each in reference.all(".overview") if each.is_displayed()]
    page = show(large_report())
    overview = page.one(f"#{LAYERS} .overview")
    page.one(f"#{LAYERS} .act[aria-label='Fit']").click()
    assert not overview.is_displayed()
    for _ in range(6):
        page.one(f"#{LAYERS} .act[aria-label='Zoom in']").click()
    assert overview.is_displayed()
    script = "return [...document.querySelector('#pane-layers .frame').attributes].map((each) => each.value).join()"
    before = page.driver.execute_script(script)
    ActionChains(page.driver).move_to_element_with_offset(overview, 0, 50).click().perform()
    assert page.driver.execute_script(script) != before


# --- search ----------------------------------------------------------------------------------------------------------


def hits(page: Page) -> list[str]:
    return [hit.text for hit in page.all("#hits button")]


def test_search_finds_a_layer(reference: Page) -> None:
    reference.one("#search").send_keys("dropout_0")
    reference.wait(lambda: hits(reference))
    assert hits(reference)[0].startswith("dropout_0 layer · Dropout")
    reference.press(Keys.ENTER)
    reference.wait(lambda: reference.details.startswith("dropout_0"))
    assert reference.boxes(LAYERS, ".chosen") == ["dropout_0"]


def test_search_finds_an_op_and_opens_the_boxes_around_it(reference: Page) -> None:
    reference.one("#search").send_keys("batchnorm_1_2/cond/pred_id")
    reference.wait(lambda: hits(reference))
    assert hits(reference)[0] == "batchnorm_1_2/cond/pred_id op · Identity"
    reference.drawn_again(DRAWN, lambda: reference.press(Keys.ENTER))
    reference.wait(lambda: reference.boxes(DRAWN, ".chosen") == ["batchnorm_1_2/cond/pred_id"])


def test_search_says_when_there_is_nothing(reference: Page) -> None:
    reference.one("#search").send_keys("no such thing")
    reference.wait(lambda: reference.said == "0 hits")
    assert reference.one("#hits").text == "Nothing has this name, class or type."


# --- keys ------------------------------------------------------------------------------------------------------------


def test_everything_by_keyboard(reference: Page) -> None:
    reference.press("/")
    assert reference.focused() == "search"
    reference.press(Keys.TAB)
    assert reference.focused().startswith("GD101")
    reference.press(Keys.ENTER)
    assert len(reference.edges(LAYERS, ".marked")) == ARTIFACTS
    canvas = reference.one(f"#{DRAWN} svg[role=group]")
    for _ in range(40):
        if reference.driver.execute_script("return document.activeElement === arguments[0]", canvas):
            break
        reference.press(Keys.TAB)
    assert reference.focused().startswith("Drawn graph.")
    world = reference.one(f"#{DRAWN} .world")
    places = [world.get_attribute("transform")]
    for key in ("+", "-", "0", Keys.ARROW_LEFT):
        reference.press(key)
        places.append(world.get_attribute("transform"))
    assert len(set(places)) >= 4
    reference.press(Keys.TAB)
    first = reference.focused()
    reference.press(Keys.ARROW_DOWN)
    assert reference.focused() != first
    name = reference.focused().partition(",")[0]
    reference.press(Keys.ENTER)
    assert reference.details.startswith(name)
    reference.drawn_again(DRAWN, lambda: reference.press(Keys.SPACE))
    reference.wait(lambda: reference.said == f"{name} opened.")
    assert reference.focused().startswith(name)


def test_names_for_screen_readers(reference: Page) -> None:
    for selector in ("button", "input", "svg[role]", ".node", "section", "aside", "[role=group]"):
        for element in reference.all(selector):
            assert not element.is_displayed() or element.accessible_name, element.get_attribute("outerHTML")
    assert reference.box(LAYERS, "batchnorm_0_0").aria_role == "button"
    assert [element.tag_name for element in reference.all("h1")] == ["h1"]
    assert {element.tag_name for element in reference.all("header, main, aside")} == {"header", "main", "aside"}


# --- parts that are not there ----------------------------------------------------------------------------------------


def test_without_an_op_graph(show: Callable[..., Page]) -> None:
    page = show(report_on("k3_reference_callback"))
    assert page.count(LAYERS, ".node") == 28
    assert "There is no op graph that TensorBoard could draw" in page.one(f"#{DRAWN}").text
    page.click(page.box(LAYERS, "dense_0"))
    assert page.details.startswith("dense_0")


def test_without_a_layer_graph(show: Callable[..., Page]) -> None:
    page = show(report_on("tf110_mnist_171"))
    assert page.one(f"#{LAYERS} h2").text == "Name scopes"
    assert page.count(LAYERS, ".node") > 0
    assert page.count(DRAWN, ".node") > 0
    script = """return [...document.querySelectorAll('#pane-layers .node')].map((node) => {
        const middle = ({ y, height }) => y + height / 2;
        const [box, name] = [node.querySelector('rect.main'), node.querySelector('text')];
        return Math.abs(middle(box.getBBox()) - middle(name.getBBox()));
    })"""
    assert max(page.driver.execute_script(script)) < 2


def test_scopes_that_no_edge_joins(show: Callable[..., Page]) -> None:
    page = show(report_on("graphs_of_two_producers"))
    assert page.boxes(LAYERS) == ["graph_1", "graph_2"]
    assert page.one(f"#{DRAWN} .empty").text == "TensorBoard cannot draw this op graph; the findings say why."


# --- the repaired graph ----------------------------------------------------------------------------------------------


def choose(page: Page, label: str) -> None:
    """Presses one of the buttons above the pictures, by keyboard, and waits for what it shows."""
    [button] = [each for each in page.all(".choice button") if each.text == label]
    button.send_keys(Keys.ENTER)
    page.wait(lambda: button.get_attribute("aria-pressed") == "true")
    page.wait(lambda: all(pane.find_elements(By.CSS_SELECTOR, ".node, .empty") for pane in page.all(".pane")))


def panes(page: Page) -> list[str]:
    return [str(pane.get_attribute("id")) for pane in page.all(".pane")]


def test_the_repaired_graph_stands_beside_what_tensorboard_draws(reference: Page) -> None:
    assert [each.text for each in reference.all(".choice button")] == [
        "As TensorBoard draws it",
        "Repaired",
        "Both side by side",
    ]
    assert panes(reference) == [LAYERS, DRAWN]
    drawn = reference.boxes(DRAWN)
    choose(reference, "Repaired")
    assert panes(reference) == [LAYERS, REPAIRED]
    # All layers, and beside them the flag that is now in the box of none.
    assert reference.boxes(REPAIRED) == sorted([*reference.boxes(LAYERS), "keras_learning_phase"])
    assert reference.edges(REPAIRED) == reference.edges(LAYERS, ".s-model")
    choose(reference, "Both side by side")
    assert panes(reference) == [DRAWN, REPAIRED]
    assert reference.boxes(DRAWN) == drawn
    choose(reference, "As TensorBoard draws it")
    assert panes(reference) == [LAYERS, DRAWN]


def test_a_finding_lights_up_its_layers_in_the_repaired_graph(reference: Page) -> None:
    choose(reference, "Repaired")
    reference.click(reference.all(".pick")[0])
    marked = reference.boxes(REPAIRED, ".marked")
    assert marked == reference.boxes(LAYERS, ".marked")
    assert "batchnorm_0_0" in marked
    # The edges of the finding are gone.
    assert reference.edges(REPAIRED, ".marked") == []


def test_a_layer_and_its_repaired_box_light_up_together(reference: Page) -> None:
    choose(reference, "Repaired")
    reference.click(reference.box(LAYERS, "dense_0"))
    assert reference.boxes(REPAIRED, ".marked") == ["dense_0"]
    assert reference.edges(REPAIRED, ".marked") == ["concatenate_1 → dense_0", "dense_0 → dropout_0"]
    reference.click(reference.box(REPAIRED, "dense_1"))
    assert reference.boxes(LAYERS, ".marked") == ["dense_1"]
    assert reference.details.startswith("dense_1")
    assert "dense_1/MatMul" in reference.details
    # What is selected stays so in the pictures that are shown next.
    choose(reference, "Both side by side")
    assert "dense_1" in reference.boxes(DRAWN, ".marked")
    assert reference.boxes(REPAIRED, ".marked") == ["dense_1"]


def test_an_arrow_of_the_repaired_graph_stands_for_its_layer_edge(reference: Page) -> None:
    choose(reference, "Repaired")
    reference.driver.execute_script(
        "[...document.querySelectorAll('#pane-repaired .edge')].find((each) => each.textContent.startsWith("
        "'dense_0 → dropout_0')).dispatchEvent(new MouseEvent('click'))"
    )
    assert reference.details.startswith("dense_0 → dropout_0")
    assert reference.edges(LAYERS, ".marked") == ["dense_0 → dropout_0"]


def test_search_goes_back_to_the_picture_that_has_the_op(reference: Page) -> None:
    choose(reference, "Repaired")
    reference.one("#search").send_keys("conv1d_0_0/kernel", Keys.ENTER)
    reference.wait(lambda: reference.details.startswith("conv1d_0_0/kernel"))
    assert panes(reference) == [LAYERS, DRAWN]


def test_a_saved_report_says_how_to_see_the_repaired_graph(show: Callable[..., Page]) -> None:
    saved = json.loads(json.dumps(report_on("keras216_reference").to_dict()))
    page = show(report_from_dict(saved))
    choose(page, "Repaired")
    assert "graphdiag repair SOURCE -o LOGDIR" in page.one(f"#{REPAIRED} .empty").text


def test_a_repair_that_fails_says_why(show: Callable[..., Page]) -> None:
    page = show(report_on("tf110_mnist_171"))
    choose(page, "Repaired")
    assert "holds no layer graph" in page.one(f"#{REPAIRED} .empty").text


def test_without_an_op_graph_there_is_nothing_to_choose(show: Callable[..., Page]) -> None:
    assert show(report_on("k3_reference_callback")).all(".choice") == []


# --- hostile names, large models -------------------------------------------------------------------------------------


def test_hostile_names_are_text(show: Callable[..., Page]) -> None:
    page = show(with_names(report_on("keras216_reference"), HOSTILE))
    names = [
        escape_unprintable(HOSTILE[name])
        for name in ("batchnorm_0_0", "batchnorm_0_1", "conv1d_0_0", "conv1d_0_1", "dropout_0")
    ]
    assert set(names) < set(page.boxes(LAYERS))
    assert set(names) < set(page.boxes(DRAWN))
    assert {"x" * 300, "__proto__", "-->" + "<!--"} < set(page.boxes(LAYERS))
    assert (
        page.driver.execute_script("return document.querySelectorAll('img, b[onmouseover], svg[onload]').length") == 0
    )
    page.one(".pick[data-finding='0']").click()
    assert len(page.edges(LAYERS, ".marked")) == len(page.edges(DRAWN, ".marked")) == ARTIFACTS
    for name in ("batchnorm_0_0", "conv1d_0_1", "global_max_0"):
        page.click(page.box(LAYERS, escape_unprintable(HOSTILE[name])))
        assert page.one("#details h2").text.split() == escape_unprintable(HOSTILE[name]).split()
    page.one("#search").send_keys("<img")
    page.wait(lambda: hits(page))
    assert hits(page)[0].startswith(escape_unprintable(HOSTILE["batchnorm_0_1"]))


def test_880_edges_stay_usable(show: Callable[..., Page]) -> None:
    report = large_report()
    page = show(report)
    assert report.layer_graph is not None
    assert len(report.layer_graph.edges) > 880
    assert page.count(LAYERS, ".node") < 100
    assert page.count(DRAWN, ".node") < 100
    [finding] = [finding for finding in report.findings if finding.code == "GD101"]
    page.one(".pick[data-finding='0']").click()
    # It is said when the boxes around the edges stand open.
    edges = len(finding.edges)
    page.wait(lambda: page.said == f"GD101 shared-learning-phase: {edges} layer edges and {edges} arrows marked.")
    page.one("#search").send_keys("block_40/c_3")
    page.wait(lambda: hits(page))
    assert "block_40/c_3" not in page.boxes(LAYERS)
    page.drawn_again(LAYERS, lambda: page.press(Keys.ENTER))
    page.wait(lambda: page.boxes(LAYERS, ".chosen") == ["block_40/c_3"])
    assert page.edges(LAYERS, ".marked") == ["block_40/c_2 → block_40/c_3", "block_40/c_3 → block_40/c_4"]


# --- several models --------------------------------------------------------------------------------------------------


def test_a_check_shows_each_model_on_demand(show: Callable[..., Page]) -> None:
    page = show(checked())
    assert page.count(LAYERS, ".node") == 28
    assert page.one("h1").text.startswith("0 contracts kept, 2 broken.")
    first, second = page.all(".choose")
    second.click()
    page.wait(lambda: page.count(LAYERS, ".node") == 7)
    assert [button.get_attribute("aria-pressed") for button in (first, second)] == ["false", "true"]
    assert [head.text.partition(":")[0] for head in page.all("h2.model") if head.is_displayed()] == ["two hops"]
    assert {button.text.split()[0] for button in page.all("aside .pick") if button.is_displayed()} >= {"GD301"}
    first.click()
    page.wait(lambda: page.count(LAYERS, ".node") == 28)


def test_what_breaks_a_contract_lights_up_in_its_model(show: Callable[..., Page]) -> None:
    page = show(checked())
    by_name = {button.text: button for button in page.all(".index .pick")}
    # The page opens at the first thing that is broken.
    assert next(iter(by_name)) == "GD101 shared-learning-phase"
    page.wait(lambda: by_name["GD101 shared-learning-phase"].get_attribute("aria-pressed") == "true")
    assert len(page.edges(LAYERS, ".marked")) == ARTIFACTS
    by_name["aux_in reaches aux_dense_1"].click()
    page.wait(lambda: page.edges(LAYERS, ".marked") == ["aux_dense_0 → aux_dense_1", "aux_in → aux_dense_0"])
    assert page.edges(DRAWN, ".marked") == ["aux_dense_0 → aux_dense_1", "aux_in → aux_dense_0"]
    by_name["GD301 hidden-dependency"].click()
    page.wait(lambda: page.edges(LAYERS, ".marked") == ["state → scaled", "state → shifted"])
    assert [button.text for button in page.all(".pick[aria-pressed='true']")] == ["GD301 hidden-dependency"]


def test_broken_contracts_are_seen_at_once(show: Callable[..., Page]) -> None:
    report = checked()
    kept = [ContractOutcome(f"kept {number}", "acyclic", "reference", ContractStatus.KEPT) for number in range(7)]
    unchecked = ContractOutcome("unknown", "acyclic", "reference", ContractStatus.UNCHECKED, reason="why not")
    page = show(replace(report, outcomes=(*kept, unchecked, *report.outcomes)))
    said = [contract.text.rpartition(" ")[0] for contract in page.all(".names .contract")]
    assert said[:4] == ["broken no findings", "broken apart", "not checked unknown", "kept kept 0"]
    assert len(said) == 10
    script = (
        "return [...document.querySelectorAll('.names, .why')].filter((e) => e.scrollHeight > e.clientHeight).length"
    )
    assert page.driver.execute_script(script) == 0
    assert "aux_in reaches aux_dense_1" in page.one(".why").text
    assert page.one(".why").rect["y"] + page.one(".why").rect["height"] < 400


# --- how it looks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(show: Callable[..., Page], browser: Chrome, scheme: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    page = show(report_on("keras216_hidden_two_hops"))
    page.one(".pick[data-finding='0']").click()
    dark = page.driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 24)"
    assert dark == (scheme == "dark")
    assert page.driver.execute_script(CONTRASTS) == []


CONTRASTS = """
const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
const light = (color) => numbers(color).slice(0, 3).map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = numbers(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return getComputedStyle(at).backgroundColor;
  }
  return 'rgb(255, 255, 255)';
};
const poor = [];
for (const element of document.querySelectorAll('body *:not(script, style, svg, svg *)')) {
  if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
  if (!element.checkVisibility()) continue;
  const [one, other] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
  if ((one + 0.05) / (other + 0.05) < 4.5) poor.push(element.className + ': ' + element.textContent.slice(0, 40));
}
const panel = getComputedStyle(document.querySelector('.pane')).backgroundColor;
for (const text of document.querySelectorAll('.node text')) {
  const box = text.closest('.node').querySelector('rect.main');
  const back = text.closest('.cluster') ? panel : getComputedStyle(box).fill;
  const [one, other] = [light(getComputedStyle(text).fill), light(back)].sort((a, b) => b - a);
  if ((one + 0.05) / (other + 0.05) < 4.5) poor.push(text.textContent);
}
for (const text of document.querySelectorAll('.letter text, .sample text')) {
  const disc = text.parentElement.querySelector('circle');
  const [one, other] = [light(getComputedStyle(text).fill), light(getComputedStyle(disc).fill)].sort((a, b) => b - a);
  if ((one + 0.05) / (other + 0.05) < 4.5) poor.push('letter ' + text.textContent);
}
return poor;
"""


def test_a_narrow_screen_has_nothing_beyond_its_edge(show: Callable[..., Page]) -> None:
    page = show(with_names(report_on("keras216_reference"), HOSTILE), width=400, height=900)
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 400
    tops = [page.one(f"#{pane}").location["y"] for pane in (LAYERS, DRAWN)]
    assert tops[1] > tops[0] + 500


def test_a_narrow_screen_shows_all_of_the_pictures_at_first(show: Callable[..., Page]) -> None:
    page = show(report_on("keras216_reference"), width=400, height=900)
    for pane in (LAYERS, DRAWN):
        assert page.driver.execute_script(CUT_OFF, pane) == []
        assert page.driver.execute_script(SIZE_OF_NAMES, pane) > 8


@pytest.mark.parametrize(("width", "height"), [(1600, 1000), (400, 900)])
def test_many_auxiliary_nodes_with_long_names_are_seen_at_first(
    show: Callable[..., Page], width: int, height: int
) -> None:
    ops = [f"model_outer_middle_inner_{number}_readvariableop_resource" for number in range(10)]
    inside = [f"model/op_{number} Neg {op}" for number, op in enumerate(ops)]
    ends = [f"result_{number}_name/Identity Neg result_{number}_value" for number in range(2)]
    text = [*(f"{op} _Arg" for op in ops), *inside, *(f"result_{number}_value Feed" for number in range(2)), *ends]
    page = show(report_of(layer_graph([("x", "a")], inputs=["x"]), "\n".join(text)), width=width, height=height)
    assert {*ops} < {*page.boxes(DRAWN)}
    assert page.driver.execute_script(CUT_OFF, DRAWN) == []
    assert page.driver.execute_script(SIZE_OF_NAMES, DRAWN) > 8


CUT_OFF = """
const room = document.querySelector(`#${arguments[0]} .view`).getBoundingClientRect();
return [...document.querySelectorAll(`#${arguments[0]} :is(.node rect.main, .edge .line)`)].filter((each) => {
  const place = each.getBoundingClientRect();
  return place.left < room.left || place.right > room.right || place.top < room.top || place.bottom > room.bottom;
}).map((each) => each.parentElement.textContent);
"""

SIZE_OF_NAMES = "return 12 * document.querySelector(`#${arguments[0]} .world`).getCTM().a"


def test_on_paper_everything_is_open(reference: Page) -> None:
    script = """dispatchEvent(new Event('beforeprint'));
        const open = [...document.querySelectorAll('.finding details')].every((each) => each.open);
        const whole = [...document.querySelectorAll('.view > svg')].every((each) => each.getAttribute('viewBox'));
        dispatchEvent(new Event('afterprint'));
        return [open, whole, document.querySelectorAll('.finding details[open]').length]"""
    assert reference.driver.execute_script(script) == [True, True, 0]
