"""What a scan is written as: every format says the same, and no name in it is taken for anything but a name."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet
import pytest
from markdown_it import MarkdownIt

from graphdiag.render.text.scan import to_text
from graphdiag.results.scan_report import ScanReport, StructureChange, View
from graphdiag.results.scan_rows import RuleFound, ScanRow
from graphdiag.scanning.table import RowTable
from tests.support.hostile import HOSTILE
from tests.support.schemas import wrong


def rule(name: str, message: str = "") -> RuleFound:
    return RuleFound("GD101", "shared-learning-phase", "artifact", "warning", "keras", 1, 2, (name,), message or name)


def report_of(rows: list[ScanRow], **options) -> ScanReport:
    table = RowTable()
    for row in rows:
        table.add(row, "series")
    return ScanReport(["logs"], table, rules=table.rules(), seconds=1.25, **options)


@pytest.fixture(scope="module")
def hostile() -> ScanReport:
    rows = [
        ScanRow(
            f"logs/{name}",
            name,
            tag=name,
            kind="event_log",
            written=1_772_000_000.0 + number,
            stack=name,
            model=name,
            layers=3,
            layer_edges=2,
            ops=number,
            op_edges=number,
            artifact=number % 3,
            hidden=0,
            missing=None,
            rules=(rule(name),),
            headline=name,
            notes=(name,),
            structure="0" * 32,
            seconds=0.5,
            error=name if number % 7 == 0 else "",
        )
        for number, name in enumerate(HOSTILE)
    ]
    changes = [StructureChange(f"logs/{name}", name, 1e9, name) for name in HOSTILE]
    return report_of(rows, changes=changes, changes_in_all=len(changes))


def test_each_line_of_json_is_a_row_of_the_schema_without_timings(hostile: ScanReport) -> None:
    lines = bytes(hostile.render("jsonl")).splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["run"] for row in rows] == HOSTILE
    assert [wrong(row, "scan") for row in rows] == [None] * len(rows)
    assert all("seconds" not in row for row in rows)


def test_csv_has_all_rows_and_no_formulas(hostile: ScanReport) -> None:
    rows = list(csv.DictReader(io.StringIO(bytes(hostile.render("csv")).decode(), newline="")))
    assert len(rows) == len(HOSTILE)
    assert {row["codes"] for row in rows} == {"GD101"}
    formulas = report_of([ScanRow("logs/a", "=1+1", headline="@x", model="-1"), ScanRow("b", "+b")])
    cells = [cell for row in csv.reader(io.StringIO(bytes(formulas.render("csv")).decode())) for cell in row]
    assert {"'=1+1", "'@x", "'-1", "'+b"} <= set(cells)


def test_parquet_has_typed_columns(hostile: ScanReport, tmp_path: Path) -> None:
    (tmp_path / "scan.parquet").write_bytes(bytes(hostile.render("parquet")))
    table = pyarrow.parquet.read_table(tmp_path / "scan.parquet")
    rows = table.to_pylist()
    assert len(rows) == len(HOSTILE)
    assert sum(row["artifact"] for row in rows) == sum(number % 3 for number in range(len(HOSTILE)))
    assert all(row["missing"] is None for row in rows)
    assert all(row["codes"] == ["GD101"] for row in rows)
    assert {row["written"].year for row in rows} == {2026}


class _Page(HTMLParser):
    """The text of a page, and the tags that are in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = "data" if dict(attrs).get("id") == "data" else ""
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def test_the_page_has_the_rows_as_data_and_nothing_of_them_as_html(hostile: ScanReport) -> None:
    page = _Page()
    page.feed(str(hostile.render("html")))
    assert page.tags.count("script") == 2
    assert not {"img", "iframe", "object"}.intersection(page.tags)
    data = json.loads(page.data)
    assert len(data["rows"]) == data["all"] == len(HOSTILE)
    assert sum(row["artifact"] for row in data["rows"]) == sum(number % 3 for number in range(len(HOSTILE)))


def test_the_page_leads_to_the_pages_of_the_runs(tmp_path: Path) -> None:
    from graphdiag.render.html.scan_page import to_html

    report = report_of([ScanRow("logs/a", "a", page="0123.html")], pages=str(tmp_path / "my pages"))
    assert '<a href="my%20pages/0123.html">a</a>' in to_html(report, beside=tmp_path / "scan.html")
    assert '<a href="../my%20pages/0123.html">a</a>' in to_html(report, beside=tmp_path / "below" / "scan.html")


def test_markdown_has_a_table_in_which_names_are_names(hostile: ScanReport) -> None:
    text = str(hostile.render("markdown"))
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    kinds = [child.type for token in tokens for child in token.children or ()]
    assert not {"link_open", "image", "html_inline"}.intersection(kinds)
    assert not [token for token in tokens if token.type == "html_block"]
    assert sum(token.type == "tr_open" for token in tokens) == len(HOSTILE) + 1
    assert "1.25" not in text


def test_sarif_has_a_result_for_each_rule_of_a_run(hostile: ScanReport) -> None:
    [run] = json.loads(str(hostile.render("sarif")))["runs"]
    assert len(run["results"]) == len(HOSTILE)
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == ["GD101"]
    assert run["invocations"][0]["executionSuccessful"] is False
    addresses = report_of([ScanRow("s3://bucket/a b", "a b", rules=(rule("x"),))])
    [found] = json.loads(str(addresses.render("sarif")))["runs"][0]["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "s3://bucket/a%20b"


def test_the_text_says_how_many_rows_it_leaves_out() -> None:
    rows = [ScanRow(f"logs/{number}", str(number), ops=number, artifact=1, hidden=number % 2) for number in range(50)]
    report = report_of(rows, view=View(sort=("-ops",), only="hidden", most=4))
    said = str(report.render("text"))
    assert [line.split()[0] for line in said.splitlines() if line[:1].isdigit() and "  " in line] == [
        "49",
        "47",
        "45",
        "43",
    ]
    assert "and 21 more rows" in said
    assert said.startswith("50 runs compared: 50 have artifacts, 25 have hidden dependencies.")


def test_the_table_fits_80_columns_and_cuts_no_name() -> None:
    long = "sweeps/2026-03-02/learning_rate=0.001,dropout=0.25"
    rows = [ScanRow("logs/a", "a", layers=3, ops=1_000_000, artifact=8), ScanRow(f"logs/{long}", long)]
    lines = to_text(report_of(rows)).splitlines()
    [head] = [line for line in lines if line.startswith("run ")]
    assert head.split() == ["run", "layers", "ops", "artifact", "hidden", "missing", "seconds"]
    assert len(head) <= 80
    assert long in lines
    [short] = [line for line in lines if line.startswith("a ")]
    assert len(short) == len(head)
    assert long in to_text(report_of(rows[1:])).splitlines()
