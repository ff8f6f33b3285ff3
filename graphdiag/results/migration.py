"""Saved documents of earlier versions, brought to the current schema: the one place that knows what was renamed.

Version 2 has American spelling: the verdict ``artefact`` is ``artifact``, the role ``initialisation`` is
``initialization``; and the key ``cure`` is ``fix``. Everything else is as in version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeGuard

_RENAMED = {"cure": "fix", "artefact": "artifact", "initialisation": "initialization"}


def current(document: Any) -> Any:
    """A document in the current schema.

    Args:
        document: Data read from JSON, in any schema or in none; it may be damaged.

    Returns:
        Reports, check reports and snapshots of version 1 in version 2; everything else as it is.
    """
    convert = _CONVERTERS.get(str(document.get("schema"))) if _is_object(document) else None
    return convert(document) if convert else document


def _report(document: Mapping[str, Any]) -> dict[str, Any]:
    ops = document.get("op_graph")
    return {
        **document,
        "schema": "graphdiag.report/2",
        "findings": _each(document.get("findings"), _finding),
        "summary": _keys(document.get("summary")),
        "edges": _each(document.get("edges"), _verdict),
        "op_graph": {**ops, "ownership": _ownership(ops.get("ownership"))} if _is_object(ops) else ops,
    }


def _check(document: Mapping[str, Any]) -> dict[str, Any]:
    def model(data: Mapping[str, Any]) -> dict[str, Any]:
        return {**data, "report": current(data.get("report"))}

    return {**document, "schema": "graphdiag.check/2", "models": _each(document.get("models"), model)}


def _snapshot(document: Mapping[str, Any]) -> dict[str, Any]:
    ops = document.get("ops")
    return {
        **document,
        "schema": "graphdiag.snapshot/2",
        "findings": _each(document.get("findings"), _verdict),
        "ops": {**ops, "of_no_layer": _keys(ops.get("of_no_layer"))} if _is_object(ops) else ops,
    }


_CONVERTERS: Mapping[Any, Any] = {
    "graphdiag.report/1": _report,
    "graphdiag.check/1": _check,
    "graphdiag.snapshot/1": _snapshot,
}


def _finding(data: Mapping[str, Any]) -> dict[str, Any]:
    return _verdict(_keys(data))


def _verdict(data: Mapping[str, Any]) -> dict[str, Any]:
    verdict = data.get("verdict")
    return {**data, "verdict": _RENAMED.get(verdict, verdict)} if isinstance(verdict, str) else dict(data)


def _ownership(data: Any) -> Any:
    return {**data, "roles": _keys(data.get("roles"))} if _is_object(data) else data


def _keys(data: Any) -> Any:
    return {_RENAMED.get(key, key): value for key, value in data.items()} if _is_object(data) else data


def _each(data: Any, convert: Any) -> Any:
    return [convert(item) if _is_object(item) else item for item in data] if isinstance(data, list) else data


def _is_object(data: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(data, dict)
