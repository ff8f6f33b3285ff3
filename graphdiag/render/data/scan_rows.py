"""The rows of a scan as data: JSON with one line a row, CSV, and Parquet.

Each is written row by row, so that memory does not grow with their number.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from graphdiag.errors import UsageError
from graphdiag.extras import INSTALL_PARQUET
from graphdiag.picture_style import PictureStyle
from graphdiag.results.scan_report import ScanReport
from graphdiag.results.scan_rows import ScanRow

_TEXTS = ("source", "run", "tag", "kind", "stack", "model", "headline", "structure", "error")
_NUMBERS = ("layers", "layer_edges", "ops", "op_edges", "artifact", "hidden", "missing")
_COLUMNS = (
    *("source", "run", "tag", "kind", "written", "stack", "model"),
    *(*_NUMBERS, "codes", "culprits", "headline", "structure", "seconds", "error"),
)
_ROWS_OF_A_GROUP = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection)."""


def to_jsonl(report: ScanReport, _: PictureStyle | None = None) -> bytes:
    """One line of JSON a row, in the order in which they were found."""
    return _whole(write_jsonl, report)


def to_csv(report: ScanReport, _: PictureStyle | None = None) -> bytes:
    """A line of commas a row, sorted and filtered."""
    return _whole(write_csv, report)


def to_parquet(report: ScanReport, _: PictureStyle | None = None) -> bytes:
    """The rows in columns, sorted and filtered."""
    return _whole(write_parquet, report)


def _whole(write: Callable[[ScanReport, IO[bytes]], None], report: ScanReport) -> bytes:
    file = io.BytesIO()
    write(report, file)
    return file.getvalue()


def line(row: ScanRow) -> bytes:
    """A row as a line of JSON: the same bytes each time, whatever compared it."""
    return json.dumps(row.to_dict(), separators=(",", ":")).encode() + b"\n"


def write_jsonl(report: ScanReport, file: IO[bytes]) -> None:
    """Write what `to_jsonl` gives to a file."""
    for row in report.rows:
        file.write(line(row))


def write_csv(report: ScanReport, file: IO[bytes]) -> None:
    """Write what `to_csv` gives to a file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in _rows(report):
        cells = _flat(row)
        writer.writerow([_safe(cells[column]) for column in _COLUMNS])
        file.write(text.getvalue().encode(errors="backslashreplace"))
        text.seek(0)
        text.truncate()
    file.write(text.getvalue().encode())


def write_parquet(report: ScanReport, file: IO[bytes]) -> None:
    """Write what `to_parquet` gives to a file.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError(f"--format parquet needs pyarrow, which is not installed: {INSTALL_PARQUET}") from None
    lists = {name: pyarrow.list_(pyarrow.string()) for name in ("codes", "culprits")}
    types = {
        **dict.fromkeys(_TEXTS, pyarrow.string()),
        **dict.fromkeys(_NUMBERS, pyarrow.int64()),
        **lists,
        "written": pyarrow.timestamp("ms", tz="UTC"),
        "seconds": pyarrow.float64(),
    }
    schema = pyarrow.schema([(name, types[name]) for name in _COLUMNS])
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        rows = _rows(report)
        while group := [_typed(row) for row in islice(rows, _ROWS_OF_A_GROUP)]:
            writer.write_table(pyarrow.Table.from_pylist(group, schema=schema))


def _rows(report: ScanReport) -> Iterator[ScanRow]:
    return report.rows.chosen(report.view.sort, report.view.only, report.view.most)


def _culprits(row: ScanRow) -> list[str]:
    return list(dict.fromkeys(culprit for rule in row.rules for culprit in rule.culprits))


def _typed(row: ScanRow) -> Mapping[str, Any]:
    data = {name: getattr(row, name) for name in _COLUMNS if name not in ("codes", "culprits", "written")}
    texts = {name: _valid(data[name]) for name in _TEXTS}
    codes = [rule.code for rule in row.rules]
    written = None if row.written is None else int(row.written * 1000)
    return {**data, **texts, "codes": codes, "culprits": [*map(_valid, _culprits(row))], "written": written}


def _flat(row: ScanRow) -> Mapping[str, Any]:
    data = {name: getattr(row, name) for name in _COLUMNS if name not in ("codes", "culprits")}
    return {**data, "codes": " ".join(rule.code for rule in row.rules), "culprits": " ".join(_culprits(row))}


def _safe(cell: Any) -> Any:
    """A cell that no spreadsheet runs: names in graphs come from users."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _valid(text: str) -> str:
    """Text that can be encoded: a name may hold half a surrogate pair."""
    return text.encode(errors="backslashreplace").decode()
