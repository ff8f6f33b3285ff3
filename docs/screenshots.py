"""Make the pictures that the README shows: ``make screenshots``."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from graphdiag import Report, compare, repair  # noqa: E402 - it and the tests are found from here on
from graphdiag.sources.keras_model import open_model  # noqa: E402
from tests.browser.tensorboard_page import PAGE, chromium, read_page, tensorboard  # noqa: E402
from tests.browser.tensorboard_tab import Tab, serving  # noqa: E402
from tests.browser.test_drawn import write_graph  # noqa: E402

LOG = Path("fixtures", "logs", "keras216_reference")
SCREEN = {"width": 1400, "height": 860, "deviceScaleFactor": 1, "mobile": False}
LOOK = {"width": 960, "height": 964, "deviceScaleFactor": 1, "mobile": False}
HALF = (540, 675)
REPAIRED = {
    "repair_keras216": LOG,
    "repair_tf_keras": Path("fixtures", "logs", "tfk_reference_training"),
    "repair_keras3": Path("fixtures", "logs", "k3_reference_training"),
}
PLACE_OF_GRAPH = """
const {left, top, right, bottom} = part('tf-graph').getBoundingClientRect();
return [left, top, right, bottom];
"""
TAB = {"width": 1600, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
TAB_RUNS = {
    "batch_norm": "keras216_reference",
    "gated": "keras216_hidden_tensor",
    "attention": "k3_masked_attention_training",
    "reference": "k3_reference_training",
    "dead_layer": "keras216_dead_layer",
}
"""Logs that the tab shows, by the names of their runs."""
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
    tab()
    repairs()


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
    save(shot, "page.png")


def tab() -> None:
    """The tab in TensorBoard: a finding, light; two graphs side by side, dark."""
    with tempfile.TemporaryDirectory() as folder:
        for run, log in TAB_RUNS.items():
            shutil.copytree(Path("fixtures", "logs", log), Path(folder, "logs", run))
        with serving("--logdir", "logs", cwd=folder) as address, chromium() as driver:
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", TAB)
            found = Tab(driver, address, run="batch_norm", at="GD101")
            for run in TAB_RUNS:
                found.row(run)
            shoot(found, "tensorboard_tab.png")
            found.leave()
            driver.execute_script("document.body.classList.add('dark-mode')")
            with found.page():
                [both] = [button for button in found.all(".choice button") if button.text == "Both side by side"]
                both.click()
                found.wait(lambda: found.all("#pane-repaired .node"))
            shoot(found, "tensorboard_tab_dark.png")


def shoot(found: Tab, name: str) -> None:
    """A picture of TensorBoard, once the tab's page is drawn."""
    with found.page():
        time.sleep(1)  # until what is marked has faded in
    found.leave()
    save(Image.open(io.BytesIO(found.driver.get_screenshot_as_png())), name)


def repairs() -> None:
    """What TensorBoard shows of graphs before their repair, on the left, and after it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, log in REPAIRED.items():
            shutil.copytree(log, Path(folder, name, "before"))
            repair(log, Path(folder, name, "after"), model=log / "model.json")
        resnet(Path(folder, "repair_resnet50"))
        with tensorboard(Path(folder)) as address, chromium() as driver:
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", LOOK)
            for name in (*REPAIRED, "repair_resnet50"):
                both = Image.new("RGB", (2 * HALF[0] + 4, HALF[1]), "#888888")
                for place, run in enumerate(("before", "after")):
                    read_page(driver, address, f"{name}/{run}")
                    time.sleep(3)  # until the page has moved the graph to the middle
                    shot = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
                    shot = shot.crop(driver.execute_script(PAGE + PLACE_OF_GRAPH))
                    both.paste(shot.resize(HALF, Image.Resampling.LANCZOS), (place * (HALF[0] + 4), 0))
                save(both, f"{name}.png")


def resnet(folder: Path) -> None:
    """ResNet50 of Keras 3, as it is traced and repaired."""
    import keras

    model = keras.applications.ResNet50(weights=None)
    write_graph(folder / "before", open_model(model).graph_defs[0])
    repair(model, folder / "after")


def save(shot: Image.Image, name: str) -> None:
    """Write a picture, small."""
    # Few colors are in use; a palette of them makes a file of a third of the size.
    shot.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(DOCS / name, optimize=True)


if __name__ == "__main__":
    main()
