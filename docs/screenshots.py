"""Make the pictures that the README shows: ``make screenshots``."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from graphdiag import Report, compare  # noqa: E402 - it and the tests are found from here on
from tests.browser.tensorboard_page import chromium  # noqa: E402

LOG = Path("fixtures", "logs", "keras216_reference")
SCREEN = {"width": 1400, "height": 860, "deviceScaleFactor": 1, "mobile": False}
LAID_OUT = """
const done = arguments[0];
const look = () => (document.documentElement.dataset.ready ? done() : setTimeout(look, 20));
look();
"""


def main() -> None:
    """Write every picture."""
    os.chdir(DOCS.parent)
    report = compare(LOG, model=LOG / "model.json")
    picture(report)
    page(report)


def picture(report: Report) -> None:
    """The layer graph of the reference model with the diff drawn on it."""
    data = report.render("png")
    assert isinstance(data, bytes)
    (DOCS / "picture.png").write_bytes(data)


def page(report: Report) -> None:
    """The page, as it stands when it is opened."""
    content = report.render("html")
    assert isinstance(content, str)
    with tempfile.TemporaryDirectory() as folder, chromium() as driver:
        file = Path(folder, "page.html")
        file.write_text(content, encoding="utf-8")
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SCREEN)
        driver.get(file.as_uri())
        driver.execute_async_script(LAID_OUT)
        shot = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
    # Few colors are in use; a palette of them makes a file of a third of the size.
    shot.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(DOCS / "page.png", optimize=True)


if __name__ == "__main__":
    main()
