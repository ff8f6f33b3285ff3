"""Graphviz's ``dot``: from the DOT language to SVG, PNG and PDF."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any
from xml.dom import minidom

from graphdiag.child_processes import child_process
from graphdiag.errors import ProgramError, UsageError

_SECONDS = 50
_ROUNDS = 1
"""For each node, when dot looks for its place in its rank. Usual models need fewer, so their pictures stay the same; a
layer that 100 others read takes 30 s without a limit and 0.3 s with this one."""
_MEMORY = 3 * 2**30
"""Bytes of address space. A line across many ranks costs a node in each of them, so that it may take any amount."""
_TOO_LARGE = (
    "the graph is too large for it. Take --format html, which folds large models, or --format dot, and draw it with "
    "another program of Graphviz, as sfdp."
)
_DPI = 120
_LONGEST_SIDE = 32_000
_MOST_PIXELS = 80_000_000
"""Of a bitmap: cairo makes, and browsers show, none with a side above 32,767; Pillow warns of one above 89 million."""
_LONGEST_PAGE = 198
"""In inches: the format's limit for the side of a page is 200 (ISO 32000-1, annex C), and there is a margin."""
_MARGINS = 2 * 0.3
"""In inches: what Graphviz adds to a picture, at most."""
_POINTS_PER_INCH = 72


def to_svg(dot: str, title: str, tooltips: Mapping[str, str]) -> str:
    """A graph as SVG that is well-formed, and has neither links nor scripts.

    Args:
        dot: The graph in DOT.
        title: What the picture is called by a screen reader.
        tooltips: Texts for what has an ``id`` in DOT.

    Returns:
        The SVG. Tooltips are ``<title>`` elements.

    Raises:
        UsageError: Graphviz is not installed.
        ProgramError: It cannot draw the graph.
    """
    return _with_titles(_run(dot, "svg").decode("utf-8"), title, tooltips)


def to_png(dot: str) -> bytes:
    """A graph as PNG, at 120 dots an inch or, where it is large, as many as a viewer can show; see `to_svg`."""
    placed = _run(dot, "dot").decode("utf-8")
    box = json.loads(_run(placed, "json0", "-Kneato", "-n2"))["bb"]
    left, bottom, right, top = (float(number) for number in box.split(","))
    return _run(placed, "png", "-Kneato", "-n2", f"-Gdpi={_dpi(right - left, top - bottom):.2f}")


def to_pdf(dot: str) -> bytes:
    """A graph as PDF, on one page; see `to_svg`."""
    return _run(dot, "pdf", f"-Gsize={_LONGEST_PAGE},{_LONGEST_PAGE}")


def _dpi(width: float, height: float) -> float:
    """Dots an inch for a picture of this size in points."""
    width, height = width / _POINTS_PER_INCH + _MARGINS, height / _POINTS_PER_INCH + _MARGINS
    return min(_DPI, _LONGEST_SIDE / max(width, height), math.sqrt(_MOST_PIXELS / (width * height)))


def _run(dot: str, form: str, *options: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise UsageError(
            "Graphviz is not installed: its program dot draws svg, png and pdf. Install it (apt install graphviz, "
            "brew install graphviz), or take --format dot, which needs no program."
        )
    try:
        with child_process(
            [program, f"-T{form}", f"-Gnslimit={_ROUNDS}", *options],
            _MEMORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            picture, complaints = process.communicate(dot.encode("utf-8"), timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise ProgramError(f"Graphviz's dot was not done after {_SECONDS} s: {_TOO_LARGE}") from None
    if process.returncode or not picture:
        said = complaints.decode("utf-8", errors="replace").strip()
        if "out of memory" in said or "failed to allocate" in said:
            raise ProgramError(f"Graphviz's dot takes more than {_MEMORY // 2**20:,} MiB of memory: {_TOO_LARGE}")
        why = said.rpartition("\n")[2] or f"it ended with status {process.returncode}"
        raise ProgramError(
            f"Graphviz's dot cannot draw the picture: {why}. Take --format dot to see what it was given."
        )
    return picture


def _with_titles(svg: str, title: str, tooltips: Mapping[str, str]) -> str:
    """Without Graphviz's anchors, in which tooltips stand, garbled where they hold backslashes; with titles instead."""
    # typeshed's DOM says of every node that it may be of any kind.
    root: Any = minidom.parseString(svg).documentElement
    root.setAttribute("role", "img")
    root.setAttribute("aria-label", title)
    for number in list(root.getElementsByTagName("title")):
        number.parentNode.removeChild(number)
    for anchor in list(root.getElementsByTagName("a")):
        wrapper = anchor.parentNode
        for child in list(anchor.childNodes):
            wrapper.parentNode.insertBefore(child, wrapper)
        wrapper.parentNode.removeChild(wrapper)
    root.removeAttribute("xmlns:xlink")
    for group in root.getElementsByTagName("g"):
        if group.getAttribute("id") in tooltips:
            about = root.ownerDocument.createElement("title")
            about.appendChild(root.ownerDocument.createTextNode(tooltips[group.getAttribute("id")]))
            group.insertBefore(about, group.firstChild)
    return f"{root.toxml()}\n"
