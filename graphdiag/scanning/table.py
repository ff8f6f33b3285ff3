"""The rows of a scan in a database on disk: however many there are, memory holds a few of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from graphdiag.diagnosis.finding import Severity
from graphdiag.errors import UsageError
from graphdiag.interruption import clean_up
from graphdiag.results.scan_report import Culprit, RuleSummary
from graphdiag.results.scan_rows import ScanRow, from_dict

COLUMNS = (
    *("run", "source", "written", "stack", "model", "layers", "ops", "artifact", "hidden", "missing", "seconds"),
    *("headline", "error"),
)
"""Columns that rows can be sorted by."""

_SEVERITIES = [severity.value for severity in Severity]
_SCHEMA = f"""
CREATE TABLE rows (
  number INTEGER PRIMARY KEY, series TEXT, structure TEXT, data TEXT, {", ".join(COLUMNS)}
);
CREATE TABLE rules (number INTEGER, code TEXT, rule TEXT, verdict TEXT, severity INTEGER);
CREATE TABLE culprits (code TEXT, name TEXT, runs INTEGER, PRIMARY KEY (code, name)) WITHOUT ROWID;
CREATE TABLE structures (key TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
"""
_CULPRITS_SHOWN = 5
_NUMBER = re.compile(r"(?<=.)_\d+$")
_ATTENTION = (
    "error = ''",
    "coalesce(hidden, 0) DESC",
    "coalesce(artifact, 0) DESC",
    "coalesce(missing, 0) DESC",
    "number",
)
"""The order in which rows need attention: what could not be read comes first."""
_ONLY = {
    "": "1",
    "artifact": "artifact > 0",
    "hidden": "hidden > 0",
    "missing": "missing > 0",
    "any": "artifact > 0 OR hidden > 0 OR missing > 0",
    "unreadable": "error != ''",
}


class RowTable:
    """Rows, and the structures that they name.

    The database is in a temporary directory, which goes when the table does.
    """

    def __init__(self) -> None:
        directory = tempfile.mkdtemp(prefix="graphdiag-scan-")
        self._finalizer = weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        clean_up(self._finalizer)
        self._database = sqlite3.connect(os.path.join(directory, "rows.db"), check_same_thread=False)
        # It is gone with the process, so that nothing has to be safe against a power cut.
        self._database.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA}")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ScanRow]:
        return self._rows("SELECT data FROM rows ORDER BY number")

    def add(self, row: ScanRow, series: str) -> None:
        """Add a row at the end.

        Args:
            row: The row.
            series: The name of the runs that it is one of; one with a layer graph is held against another with one.
        """
        number = self._count
        self._count += 1
        name = _valid(f"{series} scopes" if row.layers is None else series)
        columns = [_valid(getattr(row, column)) for column in COLUMNS]
        marks = ", ".join("?" * (4 + len(columns)))
        data = json.dumps(asdict(row), separators=(",", ":"))
        self._database.execute(f"INSERT INTO rows VALUES ({marks})", [number, name, row.structure, data, *columns])
        for rule in row.rules:
            severity = _SEVERITIES.index(rule.severity)
            self._database.execute(
                "INSERT INTO rules VALUES (?, ?, ?, ?, ?)", [number, rule.code, rule.rule, rule.verdict, severity]
            )
            self._database.executemany(
                "INSERT INTO culprits VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET runs = runs + 1",
                [(rule.code, name) for name in dict.fromkeys(_valid(own_name(culprit)) for culprit in rule.culprits)],
            )

    def add_structure(self, key: str, packed: bytes) -> None:
        """Keep a structure that rows name, unless it is there."""
        self._database.execute("INSERT OR IGNORE INTO structures VALUES (?, ?)", [key, packed])

    def structure(self, key: str) -> bytes:
        """A structure."""
        [packed] = self._database.execute("SELECT data FROM structures WHERE key = ?", [key]).fetchone()
        return bytes(packed)

    def chosen(self, sort: Sequence[str], only: str, most: int | None = None) -> Iterator[ScanRow]:
        """Rows sorted and filtered.

        Args:
            sort: Columns, from the greatest down with a ``-`` before it; what needs attention first if empty.
            only: As `graphdiag.results.scan_report.View.only`.
            most: How many; all if it is ``None``.

        Raises:
            UsageError: There is no such column.
        """
        limit = -1 if most is None else most
        return self._rows(f"SELECT data FROM rows WHERE {_ONLY[only]} ORDER BY {order_of(sort)} LIMIT ?", limit)

    def count(self, only: str) -> int:
        """How many rows there are of some sort, as `chosen` has it."""
        [number] = self._database.execute(f"SELECT count(*) FROM rows WHERE {_ONLY[only]}").fetchone()
        return int(number)

    def rules(self) -> Sequence[RuleSummary]:
        """What the rules found over all rows: the most severe first, and of these the most frequent."""
        found = self._database.execute(
            "SELECT code, max(rules.rule), max(verdict), min(severity), count(*), min(written), max(written) "
            "FROM rules JOIN rows USING (number) GROUP BY code ORDER BY min(severity), count(*) DESC, code"
        ).fetchall()
        return [
            RuleSummary(
                code=code,
                rule=rule,
                verdict=verdict,
                severity=_SEVERITIES[severity],
                runs=runs,
                since=since,
                until=until,
                first=self._first(code),
                culprits=self._culprits(code),
                culprits_in_all=self._one("SELECT count(*) FROM culprits WHERE code = ?", code),
            )
            for code, rule, verdict, severity, runs, since, until in found
        ]

    def neighbors(self) -> Iterator[tuple[tuple[str, str], tuple[str, str, float | None]]]:
        """Runs beside the run before in their series whose structure is not the same, in the order of time.

        Yields:
            Source and structure of the run before; source, structure and time of the run.
        """
        yield from (
            ((before, old), (source, new, written))
            for source, new, written, before, old in self._database.execute(
                "SELECT source, structure, written, before, old FROM ("
                "SELECT source, structure, written, number,"
                " lag(source) OVER series AS before, lag(structure) OVER series AS old"
                " FROM rows WHERE structure != ''"
                " WINDOW series AS (PARTITION BY series ORDER BY written, number)"
                ") WHERE old IS NOT NULL AND old != structure ORDER BY written, number"
            )
        )

    def _first(self, code: str) -> str:
        return str(
            self._one(
                "SELECT source FROM rules JOIN rows USING (number) WHERE code = ? ORDER BY written, number LIMIT 1",
                code,
            )
        )

    def _culprits(self, code: str) -> Sequence[Culprit]:
        found = self._database.execute(
            "SELECT name, runs FROM culprits WHERE code = ? ORDER BY runs DESC, name LIMIT ?", [code, _CULPRITS_SHOWN]
        )
        return [Culprit(name, runs) for name, runs in found]

    def _one(self, query: str, *values: Any) -> Any:
        [value] = self._database.execute(query, values).fetchone()
        return value

    def _rows(self, query: str, *values: Any) -> Iterator[ScanRow]:
        for (data,) in self._database.execute(query, values):
            yield from_dict(json.loads(data))


def own_name(culprit: str) -> str:
    """The name of an op or a layer without the scopes around it and without the number that makes it unique.

    By it the same cause is known again in another run.
    """
    return _NUMBER.sub("", culprit.rpartition("/")[2])


def _valid(value: Any) -> Any:
    """A value that a database takes: a name may hold half a surrogate pair, as that of a file with any bytes does."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def order_of(sort: Sequence[str]) -> str:
    """The order of rows in SQL.

    Raises:
        UsageError: There is no such column.
    """
    terms = []
    for column in sort:
        name = column.removeprefix("-")
        if name not in COLUMNS:
            raise UsageError(f"--sort {column}: unknown column; choose from {', '.join(COLUMNS)}.")
        terms.append(f"{name} {'DESC' if column.startswith('-') else 'ASC'} NULLS LAST")
    return ", ".join([*terms, "number"] if terms else _ATTENTION)
