"""What TensorBoard's own page holds after it has drawn a graph, read out of headless Chromium.

`tensorboard` serves a log directory, `chromium` starts the browser, `read_page` opens the Graphs page, chooses a run,
a tag and a kind of graph, waits for the hierarchy and returns it in the schema ``graphdiag.drawn/1``. The fields are
those of the page's own objects (``tensorboard/plugins/graph/tf_graph_common/{graph,hierarchy,render}.ts``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM = shutil.which("chromium") or "chromium"
CHROMEDRIVER = shutil.which("chromedriver") or "chromedriver"
CHROMIUM_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # Chromium has no sandbox for root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # containers give /dev/shm too little room for a large graph
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SERVING = re.compile(r"at (http://[^ ]+)")


class PageError(Exception):
    """TensorBoard or its page cannot do what was asked; holds what they said."""


@contextmanager
def tensorboard(logdir: Path, *options: str, start_timeout: float = 120.0) -> Iterator[str]:
    """Serve a log directory on a free loopback port until the context ends.

    Args:
        logdir: The directory; each directory below it that holds event files is a run.
        *options: More of TensorBoard's own options.
        start_timeout: Seconds until every run must be loaded.

    Yields:
        The server's address, without a slash at the end. All runs are loaded by then.

    Raises:
        PageError: The server ended or did not answer in time.
    """
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    command += ["--host", "127.0.0.1", "--port", "0"]
    # The classic loader, and all of it before the first page is served: a run is never seen half-read.
    command += ["--load_fast=false", "--reload_task=blocking", "--reload_interval=0", *options]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
        try:
            yield _address(process, Path(f"/proc/self/fd/{said.fileno()}"), start_timeout)
        finally:
            end_group(process)


def _address(process: subprocess.Popen[Any], said: Path, timeout: float) -> str:
    deadline = time.monotonic() + timeout
    while True:
        text = said.read_text()
        found = SERVING.search(text)
        if found:
            return found[1].rstrip("/")
        if process.poll() is not None or time.monotonic() > deadline:
            raise PageError(f"TensorBoard does not serve: {text[-2000:]}")
        time.sleep(0.1)


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process that leads its own session, and whatever it started there."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)


@contextmanager
def chromium(requests: bool = False, patience: float = 120.0) -> Iterator[Chrome]:
    """Chromium with an empty profile, driven by its driver; both end with the context.

    Args:
        requests: Whether the driver's ``performance`` log holds every request.
        patience: Seconds that one step may take; the page answers nothing while it works.

    Yields:
        The driver. Nothing is downloaded: both paths are given, so Selenium looks for neither.
    """
    with tempfile.TemporaryDirectory(prefix="graphdiag-chromium-", ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = CHROMIUM
        for option in (*CHROMIUM_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        logs = {"browser": "SEVERE", **({"performance": "ALL"} if requests else {})}
        options.set_capability("goog:loggingPrefs", logs)
        service = Service(CHROMEDRIVER)
        try:
            driver = Chrome(options=options, service=service)
            driver.set_page_load_timeout(patience)
            driver.set_script_timeout(patience)
            driver.command_executor.client_config.timeout = patience
            # Chromium's own first page would go on loading its parts, and be logged, while ours is loaded.
            driver.get("about:blank")
            try:
                yield driver
            finally:
                with suppress(WebDriverException, OSError):
                    driver.quit()
        finally:
            service.stop()
            _end_users_of(profile)


def _end_users_of(profile: str) -> None:
    """Kill every process that was started on the profile: a browser that hangs does not follow its driver."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if profile.encode() in (folder / "cmdline").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)


def read_page(
    driver: Chrome,
    address: str,
    run: str = ".",
    tag: str | None = None,
    conceptual: bool = False,
    timeout: float = 120.0,
) -> dict[str, Any]:
    """Open the Graphs page, choose a graph and read what the page holds once it is drawn.

    Args:
        driver: The browser.
        address: The server.
        run: Run as TensorBoard names it, ``.`` for the log directory itself.
        tag: Tag as the page shows it, ``Default`` for the run's own graph; without it, the first tag of the run that
            has the kind of graph.
        conceptual: Whether to choose the conceptual graph, not the op graph.
        timeout: Seconds until the hierarchy must stand.

    Returns:
        A document of the schema ``graphdiag.drawn/1``.

    Raises:
        PageError: No such run, tag or kind of graph; or the page cannot draw the graph (the error holds its words).
        TimeoutError: The page did not finish in time.
    """
    deadline = time.monotonic() + timeout
    # The page draws its first graph first; only when that is done is it clear whose graph comes next.
    place = _place(open_graphs(driver, address, timeout), run, tag, conceptual)
    failure = _wait(driver, "return choose(...arguments)", deadline, *place)
    if failure is not True:
        said = [entry["message"] for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]
        raise PageError("\n".join([failure, *said[-1:]]))
    drawn: dict[str, Any] = json.loads(_script(driver, "return JSON.stringify(drawn())"))
    return drawn


def open_graphs(driver: Chrome, address: str, timeout: float = 120.0) -> list[dict[str, Any]]:
    """Open the Graphs page, and wait until its first graph stands, or has failed.

    Args:
        driver: The browser.
        address: The server.
        timeout: Seconds until the hierarchy must stand.

    Returns:
        The runs and their tags, as the page lists them.

    Raises:
        TimeoutError: The page did not finish in time.
    """
    deadline = time.monotonic() + timeout
    driver.get("about:blank")  # a change of the fragment alone would not load the page anew
    driver.get(f"{address}/#graphs")
    datasets: list[dict[str, Any]] = _wait(driver, "return datasets()", deadline)
    _wait(driver, "return settled(null)", deadline)
    return datasets


def _place(datasets: list[dict[str, Any]], run: str, tag: str | None, conceptual: bool) -> tuple[int, int, str]:
    runs = [dataset["name"] for dataset in datasets]
    if run not in runs:
        raise PageError(f"no run {run!r} in {runs}")
    tags = datasets[runs.index(run)]["tags"]
    kind = "conceptualGraph" if conceptual else "opGraph"
    for place, candidate in enumerate(tags):
        if candidate[kind] and tag in (None, candidate["displayName"]):
            return runs.index(run), place, "conceptual_graph" if conceptual else "op_graph"
    raise PageError(f"no {kind} {tag!r} in {tags}")


def _wait(driver: Chrome, script: str, deadline: float, *arguments: Any) -> Any:
    """The first answer of the script that is neither null nor false."""
    while True:
        answer = _script(driver, script, *arguments)
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"the page did not finish in time: {_script(driver, 'return progress()')}")
        time.sleep(0.1)


def _script(driver: Chrome, script: str, *arguments: Any) -> Any:
    return driver.execute_script(PAGE + script, *arguments)


PAGE = """
function find(root, name) {
  const here = root.querySelector(name);
  if (here) return here;
  for (const element of root.querySelectorAll('*')) {
    const below = element.shadowRoot && find(element.shadowRoot, name);
    if (below) return below;
  }
  return null;
}
const dashboard = find(document, 'tf-graph-dashboard');
const part = (name) => dashboard && dashboard.shadowRoot && find(dashboard.shadowRoot, name);

function datasets() {
  const controls = part('tf-graph-controls');
  return dashboard && dashboard._datasetsFetched && controls && controls.selection ? controls.datasets : null;
}

function progress() {
  const loader = part('tf-graph-dashboard-loader');
  return (loader && loader.progress) || null;
}

// True when a graph other than `before` stands, the page's words when it failed, null while it is at work.
function settled(before) {
  const said = progress();
  if (!said) return null;
  if (said.error) return said.msg;
  const graph = part('tf-graph');
  const loader = part('tf-graph-dashboard-loader');
  const hierarchy = loader.outGraphHierarchy;
  if (!graph || !hierarchy || hierarchy === before) return null;
  // The page hands the hierarchy on and renders it in one go; where that failed, it keeps the rendering it had.
  const rendered = graph.graphHierarchy === hierarchy && graph.renderHierarchy;
  return rendered && rendered.hierarchy === hierarchy ? true : 'the page does not render the graph';
}

// Turns the page's controls as a user would; to be called until it answers as `settled` does.
function choose(run, tag, type) {
  const controls = part('tf-graph-controls');
  const chosen = [controls._selectedRunIndex, controls._selectedTagIndex, controls._selectedGraphType];
  if (chosen.join() !== [run, tag, type].join()) {
    const loader = part('tf-graph-dashboard-loader');
    window.graphBefore = loader.outGraphHierarchy;
    loader.set('progress', {value: 0, msg: ''});
    controls.set('_selectedRunIndex', run);
    controls.set('_selectedTagIndex', tag);
    controls.set('_selectedGraphType', type);
    return null;
  }
  return settled(window.graphBefore || null);
}

function drawn() {
  const graph = part('tf-graph');
  const types = ['meta', 'op', 'series', 'bridge', 'ellipsis'];
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const nodes = Object.create(null); // a name may be that of a built-in property
  const edges = Object.create(null);
  for (const [name, node] of Object.entries(graph.graphHierarchy.getNodeMap())) {
    nodes[name] = {
      type: types[node.type],
      parent: node.parentNode ? node.parentNode.name : null,
      cardinality: node.cardinality,
      op: node.op || null,
    };
    const metagraph = node.metagraph;
    if (metagraph && metagraph.edges().length) {
      edges[name] = metagraph.edges().map((end) => {
        const edge = metagraph.edge(end);
        return [end.v, end.w, edge.numRegularEdges, edge.numControlEdges, edge.numRefEdges];
      }).sort((a, b) => order(a[0], b[0]) || order(a[1], b[1]));
    }
  }
  const root = graph.renderHierarchy.root;
  const names = (extracted) => extracted.map((info) => info.node.name);
  return {
    schema: 'graphdiag.drawn/1',
    nodes,
    edges,
    root: {
      core: root.coreGraph.nodes(),
      core_edges: root.coreGraph.edges().map((end) => [end.v, end.w]),
      out_extract: names(root.isolatedOutExtract),
      in_extract: names(root.isolatedInExtract),
      library: names(root.libraryFunctionsExtract),
    },
  };
}
"""
