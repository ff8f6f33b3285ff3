"""All rules, those of other packages included, and which of them report.

Another package adds rules through the entry-point group ``graphdiag.rules``; each entry point names a
`graphdiag.diagnosis.rule.Rule`:

    [project.entry-points."graphdiag.rules"]
    ACME001 = "acme_graphs.rules:WIDE_LAYER"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from graphdiag.diagnosis.diagnose import RULES
from graphdiag.diagnosis.finding import Finding, Verdict
from graphdiag.diagnosis.rule import Rule
from graphdiag.errors import GraphdiagError, UsageError
from graphdiag.plugins import plugins

GROUP = "graphdiag.rules"
"""The entry-point group for rules of other packages."""

EVERY = "ALL"
"""Stands for all codes."""

_CODE = re.compile(r"[A-Z]+[0-9]+")


@lru_cache(maxsize=1)
def all_rules() -> tuple[Rule, ...]:
    """The rules of graphdiag and of other packages, in the order in which they may claim crossings.

    Returns:
        First the rules that find what is real, so that none after them can call it harmless; then those of other
        packages, in the order of their codes; then the others.

    Raises:
        GraphdiagError: A package's rule cannot be loaded, is not a rule, or has the code of another.
    """
    foreign: dict[str, Rule] = {}
    known = {rule.code for rule in RULES}
    for described, rule in plugins(GROUP, "rule"):
        if not isinstance(rule, Rule):
            raise GraphdiagError(f"{described} is a {type(rule).__name__}, and must be a graphdiag Rule.")
        if not _CODE.fullmatch(rule.code):
            raise GraphdiagError(f"{described}: the code {rule.code!r} must be capital letters and a number.")
        if rule.code in known:
            raise GraphdiagError(f"{described}: there is a rule {rule.code} already; give it another code.")
        known.add(rule.code)
        foreign[rule.code] = rule
    return (
        *(rule for rule in RULES if rule.verdict is Verdict.HIDDEN),
        *(foreign[code] for code in sorted(foreign)),
        *(rule for rule in RULES if rule.verdict is not Verdict.HIDDEN),
    )


def select(rules: Sequence[Rule], select: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules that report, as ruff chooses them.

    A rule that is not chosen still claims its crossings, or another one would explain them wrongly: run all rules and
    keep what `reported` keeps.

    Args:
        rules: All rules.
        select: Codes, beginnings of codes, or ``ALL``; all rules if empty.
        ignore: The same, to leave out. Where both fit a rule the longer one wins, and ``ignore`` if they are the same.

    Returns:
        The chosen rules, in order.

    Raises:
        UsageError: A code fits no rule; the message names the nearest.
    """
    codes = [rule.code for rule in rules]
    wanted = [_checked("--select", code, codes) for code in select] or [""]
    unwanted = [_checked("--ignore", code, codes) for code in ignore]
    return tuple(rule for rule in rules if _longest(rule.code, wanted) > _longest(rule.code, unwanted))


def _checked(option: str, text: str, codes: Sequence[str]) -> str:
    """The beginning of codes that a user means."""
    prefix = text.strip().upper()
    if prefix == EVERY:
        return ""
    if prefix and any(code.startswith(prefix) for code in codes):
        return prefix
    raise UsageError(f"{option} {text}: no rule has this code{_nearest(prefix, codes)}; 'graphdiag explain' lists all.")


def _nearest(text: str, codes: Sequence[str]) -> str:
    from difflib import SequenceMatcher

    likeness = {code: SequenceMatcher(None, text, code).ratio() for code in codes}
    nearest = max(sorted(codes), key=lambda code: likeness[code], default="")
    return f", the nearest is {nearest}" if likeness.get(nearest, 0) >= 0.5 else ""


def _longest(code: str, prefixes: Iterable[str]) -> int:
    """Length of the longest prefix that fits; -1 if none does."""
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=-1)


def find_rules(rules: Sequence[Rule], which: str) -> Sequence[Rule]:
    """The rules of a code, of a name, or whose codes begin so.

    Args:
        rules: All rules.
        which: As a user types it, in any case.

    Returns:
        At least one rule, in the order of the codes.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    wanted = which.strip().upper()
    by_code = sorted(rules, key=lambda rule: rule.code)
    exact = [rule for rule in by_code if wanted in (rule.code, rule.name.upper())]
    found = exact or [rule for rule in by_code if wanted and rule.code.startswith(wanted)]
    if not found:
        names = [*(rule.code for rule in by_code), *(rule.name.upper() for rule in by_code)]
        nearest = _nearest(wanted, names)
        nearest = nearest if _CODE.search(nearest) else nearest.lower()
        raise UsageError(f"{which}: no rule has this code or name{nearest}; 'graphdiag explain' lists all.")
    return found


def reported(findings: Iterable[Finding], chosen: Sequence[Rule]) -> tuple[Finding, ...]:
    """The findings of the chosen rules, in the same order."""
    codes = {rule.code for rule in chosen}
    return tuple(finding for finding in findings if finding.code in codes)
