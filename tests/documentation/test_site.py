"""The documentation as a site: it builds without a warning, its links lead somewhere, and it asks no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from graphdiag.version import DOCUMENTATION, REPOSITORY
from tests.conftest import ROOT

LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("use", "href")}
"""Attributes of elements whose address the browser loads by itself."""
NAMED = re.compile(r"\b(?:canonical|next|prev)\b")


class Page(HTMLParser):
    """The addresses and the ids on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.ids |= {value for key, value in attributes if key in ("id", "name") and value}
        for key, value in attributes:
            if key not in ("href", "src") or not value:
                continue
            is_loaded = (tag, key) in LOADS and not NAMED.search(given.get("rel") or "")
            (self.loaded if is_loaded else self.links).append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("built") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-d", str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, NO_MKDOCS_2_WARNING="1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return directory


@cache
def read(file: Path) -> Page:
    return Page(file.read_text(encoding="utf-8"))


def lead_nowhere(site: Path, file: Path, addresses: list[str]) -> list[str]:
    """Those of a page's addresses that are of the site, and that the site does not have."""
    here = DOCUMENTATION + file.relative_to(site).as_posix().removesuffix("index.html")
    dead = []
    for address in addresses:
        whole = urljoin(here, address)
        if not whole.startswith(DOCUMENTATION):
            continue
        parts = urlsplit(whole.removeprefix(DOCUMENTATION))
        target = site / unquote(parts.path)
        target = target / "index.html" if target.is_dir() else target
        anchor = unquote(parts.fragment)
        if not target.is_file() or (anchor and target.suffix == ".html" and anchor not in read(target).ids):
            dead.append(address)
    return dead


def test_links_and_anchors_lead_somewhere(site: Path) -> None:
    pages = [file for file in site.rglob("*.html") if file.name != "404.html"]
    assert len(pages) > 80
    dead = {
        file.relative_to(site).as_posix(): found
        for file in pages
        if (found := lead_nowhere(site, file, read(file).links + read(file).loaded))
    }
    assert dead == {}


def test_a_dead_link_would_be_found(site: Path) -> None:
    start = site / "index.html"
    dead = ["tutorial/#nowhere", "no-page/", "../outside", f"{DOCUMENTATION}rules/GD999/"]
    alive = ["tutorial/#the-answer", "rules/GD101/", "https://example.org/", f"{DOCUMENTATION}rules/"]
    assert lead_nowhere(site, start, [*alive, *dead]) == [
        "tutorial/#nowhere",
        "no-page/",
        f"{DOCUMENTATION}rules/GD999/",
    ]


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    for file in site.rglob("*.html"):
        assert [address for address in read(file).loaded if urlsplit(address).netloc] == []
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", text), sheet


def test_links_of_the_readme_lead_somewhere(site: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|<(https?://[^>]+)>", text)
    assert len(links) > 20
    for link in (first or second for first, second in links):
        if link.startswith(DOCUMENTATION):
            assert lead_nowhere(site, site / "index.html", [link]) == []
        elif not link.startswith(("http:", "https:")):
            assert (ROOT / link).exists(), link
        else:
            assert link.startswith(REPOSITORY), link
