"""The tab Graph diagnosis in TensorBoard's own page."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.tensorboard_page import SERVING, PageError, end_group

PYTHON = os.environ.get("GRAPHDIAG_TENSORBOARD_PYTHON", sys.executable)
"""An interpreter whose environment has TensorBoard and graphdiag: set it to look at the tab in another TensorBoard."""
PATIENCE_S = 60


@contextmanager
def serving(*arguments: str, cwd: Path | str | None = None, patience: float = 120.0) -> Iterator[str]:
    """Run TensorBoard on a free port of this machine.

    Args:
        arguments: Of its command line; the log directory among them.
        cwd: Where it is started.
        patience: Seconds until it must serve.

    Yields:
        Its address, without a slash at the end.

    Raises:
        PageError: It ended, or did not serve in time.
    """
    command = [PYTHON, "-m", "tensorboard.main", "--host", "127.0.0.1", "--port", "0", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "said")
        with said.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, cwd=cwd)
        try:
            deadline = time.monotonic() + patience
            while not (found := SERVING.search(said.read_text())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise PageError(f"TensorBoard does not serve: {said.read_text()[-2000:]}")
                time.sleep(0.05)
            yield found[1].rstrip("/")
        finally:
            end_group(process)


class Tab:
    """The tab, opened in a browser.

    Args:
        driver: The browser.
        address: TensorBoard's; empty where the browser looks at the tab already.
        place: What the address says of the tab: ``run``, ``tag``, ``model``, ``to`` and ``at``.
    """

    def __init__(self, driver: Chrome, address: str = "", **place: str) -> None:
        self.driver = driver
        self.address = address
        if address:
            self.open(**place)

    def open(self, **place: str) -> None:
        """Open TensorBoard anew at a place."""
        self.driver.get("about:blank")
        parts = [f"p.graphdiag.{key}={quote(value, safe='')}" for key, value in place.items()]
        self.driver.get(f"{self.address}/#{'&'.join(['graphdiag', *parts])}")
        self.enter()

    def enter(self) -> None:
        """Look at the tab, and not at TensorBoard around it or at the page within it."""
        self.leave()
        frame = self.wait(lambda: self.all("iframe[src*='name=graphdiag']"))[0]
        self.driver.switch_to.frame(frame)

    def leave(self) -> None:
        """Look at TensorBoard around the tab."""
        self.driver.switch_to.default_content()

    @contextmanager
    def page(self) -> Iterator[None]:
        """Look at the page within the tab, once its pictures are drawn."""
        self.enter()
        self.driver.switch_to.frame(self.wait(lambda: self.all(".page iframe"))[0])
        self.wait(lambda: self.script("return document.documentElement.dataset.ready"))
        yield
        self.enter()

    def wait(self, met: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.05).until(lambda _: met())

    def script(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        [found] = self.all(selector)
        return found

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
        texts: list[str] = self.script(script, selector)
        return texts

    @property
    def runs(self) -> list[str]:
        """Names of the runs in the list."""
        return self.texts(".runs .name")

    def row(self, run: str) -> str:
        """What the list says of a run, once that is there."""
        script = """
            const buttons = [...document.querySelectorAll(".runs button")];
            const button = buttons.find((each) => each.dataset.run === arguments[0]);
            return button && !button.querySelector(".pending") ? button.textContent : null"""
        said: str = self.wait(lambda: self.script(script, run))
        return said

    def choose(self, run: str) -> None:
        """Click on a run."""
        self.wait(lambda: run in self.runs)
        self.script(
            "[...document.querySelectorAll('.runs button')].find((each) => each.dataset.run === arguments[0]).click()",
            run,
        )

    @property
    def message(self) -> str:
        """What stands in place of the page."""
        return self.one(".message").text

    @property
    def fragment(self) -> str:
        """What TensorBoard's address says."""
        return self.driver.current_url.partition("#")[2]


def requested(messages: Sequence[Any]) -> set[str]:
    """The addresses of all requests in Chromium's log."""
    return {
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    }
