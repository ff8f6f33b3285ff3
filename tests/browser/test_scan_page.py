"""The page of a scan in Chromium: its table is filtered and sorted, and opens each run's own page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from graphdiag.render.html.scan_page import to_html
from graphdiag.render.scan_words import answer
from graphdiag.results.scan_report import ScanReport
from graphdiag.scanning.scan import scan
from tests.browser.tensorboard_page import chromium
from tests.browser.test_report_page import requested
from tests.support.graph_text import FIXTURES, LOGS
from tests.support.scan_runs import make_runs

pytestmark = pytest.mark.browser

RUNS = 8
ROWS = RUNS + 4
"""With a run that has a model beside it, that model, another model, and a damaged file."""
HOSTILE = "<img src=x onerror='window.hacked=1'>&\"'"
WIDE, NARROW = 1600, 400


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScanReport]:
    place = tmp_path_factory.mktemp("scan")
    logs = place / "logs"
    make_runs(logs, RUNS)
    shutil.copytree(LOGS / "keras216_hidden_tensor", logs / HOSTILE)
    shutil.copyfile(FIXTURES / "files" / "k3_siamese.keras", logs / "net.keras")
    (logs / "broken.pb").write_bytes(b"no graph")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        found = scan("logs", jobs=2, pages="pages of runs")
        Path("scan.html").write_text(to_html(found, beside=Path("scan.html")), encoding="utf-8")
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium(requests=True) as driver:
        yield driver


class ScanPage:
    """The page, opened."""

    def __init__(self, driver: Chrome, file: Path, width: int) -> None:
        self.driver = driver
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
        )
        self.address = file.as_uri()
        driver.get_log("performance")  # type: ignore[no-untyped-call]
        driver.get(self.address)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def column(self, name: str) -> list[str]:
        """What stands in a column, from the top down."""
        cells = self.driver.find_elements(By.CSS_SELECTOR, f"#runs tbody td[data-name='{name}']")
        return [cell.text.splitlines()[0] if cell.text else "" for cell in cells]

    @property
    def count(self) -> str:
        return self.one("#count").text

    def search(self, words: str) -> None:
        self.one("#text").clear()
        self.one("#text").send_keys(words or Keys.SPACE)

    def head(self, title: str) -> WebElement:
        [found] = [each for each in self.driver.find_elements(By.CSS_SELECTOR, "#runs th") if each.text == title]
        return found

    def is_too_wide(self) -> bool:
        script = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(self.driver.execute_script(script))


@pytest.fixture
def page(browser: Chrome, report: ScanReport, request: pytest.FixtureRequest) -> Iterator[ScanPage]:
    """The page; in the end, it may not have complained, or asked for anything but itself and the pages of runs."""
    opened = ScanPage(browser, Path("scan.html").absolute(), getattr(request, "param", WIDE))
    yield opened
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    around = opened.address.removesuffix("scan.html")
    assert all(address.startswith((around, "blob:null/")) for address in requested(browser))
    assert browser.execute_script("return window.hacked") is None


def test_it_shows_every_row_with_what_needs_attention_first(page: ScanPage, report: ScanReport) -> None:
    assert page.one("h1").text == answer(report)
    assert answer(report).startswith(f"{ROWS - 1} runs compared: ")
    names = page.column("run")
    assert names[:2] == ["broken.pb", HOSTILE]
    assert len(names) == ROWS
    assert page.count == f"{ROWS} of {ROWS}"
    assert page.one("#runs td.wrong").text.startswith("logs/broken.pb is damaged")


def test_the_filter_takes_words_of_any_column(page: ScanPage) -> None:
    page.search("siamese run")
    assert len(page.column("run")) == 2
    assert all("siamese" in name for name in page.column("run"))
    assert page.count == f"2 of {ROWS}"
    page.search("PHASE_TRAIN")
    assert all("keras216_flag_in_layer" in name for name in page.column("run"))
    assert len(page.column("run")) == 2
    page.search("<img")
    assert page.column("run") == [HOSTILE, f"{HOSTILE}/model.json"]
    page.search("no such words")
    assert (page.column("run"), page.count) == ([], f"0 of {ROWS}")
    page.search("")
    assert len(page.column("run")) == ROWS


def test_rows_of_one_sort_and_rows_of_one_rule(page: ScanPage) -> None:
    only = Select(page.one("#only"))
    for value, names in {"unreadable": ["broken.pb"], "hidden": [HOSTILE], "missing": []}.items():
        only.select_by_value(value)
        assert page.column("run") == names
    only.select_by_value("")
    page.one(".rule[data-code='GD102']").click()
    assert page.one("#text").get_attribute("value") == "GD102"
    assert len(page.column("run")) == 2
    assert all("keras216_flag_in_layer" in name for name in page.column("run"))


def test_a_click_on_a_title_sorts_and_another_one_turns_it_round(page: ScanPage) -> None:
    def numbers() -> list[int]:
        return [int(text.replace(",", "")) for text in page.column("ops") if text != "–"]

    head = page.head("ops").find_element(By.TAG_NAME, "button")
    head.click()
    assert page.head("ops").get_attribute("aria-sort") == "descending"
    assert numbers() == sorted(numbers(), reverse=True)
    # What has no number stands last either way.
    assert page.column("ops")[-3:] == ["–", "–", "–"]
    head.send_keys(Keys.ENTER)
    assert page.head("ops").get_attribute("aria-sort") == "ascending"
    assert numbers() == sorted(numbers())
    assert page.column("ops")[-3:] == ["–", "–", "–"]
    page.head("first words").find_element(By.TAG_NAME, "button").click()
    assert page.head("ops").get_attribute("aria-sort") is None
    assert page.column("first words") == sorted(page.column("first words"))
    page.head("run").find_element(By.TAG_NAME, "button").click()
    assert page.column("run") == sorted(page.column("run"))


def test_each_run_opens_its_own_page(page: ScanPage, report: ScanReport) -> None:
    rows = {row.run: row for row in report.rows}
    for name in (HOSTILE, "keras216_flag_in_layer/run_00001", "net.keras"):
        page.driver.get(page.address)
        page.search(name.partition(" ")[0])
        page.driver.find_element(By.LINK_TEXT, name).click()
        WebDriverWait(page.driver, 30).until(
            lambda driver: driver.execute_script("return document.documentElement.dataset.ready")
        )
        assert page.driver.current_url.startswith(page.address.replace("scan.html", "pages%20of%20runs/"))
        assert page.one("h1").text == rows[name].headline
        page.driver.back()
        assert page.driver.current_url == page.address
    [broken] = [link for link in page.driver.find_elements(By.CSS_SELECTOR, "td.run") if link.text == "broken.pb"]
    assert broken.find_elements(By.TAG_NAME, "a") == []


@pytest.mark.parametrize("page", [NARROW, WIDE], indirect=True)
def test_it_is_no_wider_than_the_window(page: ScanPage, request: pytest.FixtureRequest) -> None:
    assert not page.is_too_wide()
    narrow = page.driver.execute_script("return innerWidth") == NARROW
    assert page.one("#sort").is_displayed() == narrow
    if narrow:
        Select(page.one("#sort")).select_by_visible_text("ops")
        ops = [int(text.replace(",", "")) for text in page.column("ops") if text != "–"]
        assert ops == sorted(ops, reverse=True)
