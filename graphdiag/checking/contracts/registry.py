"""All kinds of contracts, those of other packages included.

Another package adds kinds through the entry-point group ``graphdiag.contracts``; each entry point names a subclass of
`graphdiag.checking.contracts.contract.Contract`:

    [project.entry-points."graphdiag.contracts"]
    narrow = "acme_graphs.contracts:Narrow"
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from graphdiag.checking.contracts.acyclic import Acyclic
from graphdiag.checking.contracts.budget import Budget
from graphdiag.checking.contracts.contract import Contract, read_contract
from graphdiag.checking.contracts.forbidden import Forbidden
from graphdiag.checking.contracts.golden import Golden
from graphdiag.checking.contracts.independence import Independence
from graphdiag.checking.contracts.layers import Layers
from graphdiag.checking.contracts.no_findings import NoFindings
from graphdiag.checking.contracts.options import Place, nearest, text
from graphdiag.checking.contracts.reachable import Reachable
from graphdiag.checking.contracts.required import Required
from graphdiag.checking.contracts.shared import Shared
from graphdiag.errors import GraphdiagError
from graphdiag.plugins import plugins

GROUP = "graphdiag.contracts"
"""The entry-point group for kinds of other packages."""

KINDS: tuple[type[Contract], ...] = (
    NoFindings,
    Independence,
    Forbidden,
    Layers,
    Required,
    Acyclic,
    Reachable,
    Shared,
    Budget,
    Golden,
)
"""The kinds that graphdiag has."""


@lru_cache(maxsize=1)
def all_kinds() -> Mapping[str, type[Contract]]:
    """The kinds of graphdiag and of other packages, by the word that stands for them in a configuration.

    Raises:
        GraphdiagError: A package's kind cannot be loaded, is not a kind of contract, or has the type of another.
    """
    kinds = {kind.type: kind for kind in KINDS}
    for described, kind in plugins(GROUP, "contract"):
        if not (isinstance(kind, type) and issubclass(kind, Contract)):
            raise GraphdiagError(f"{described} must be a subclass of graphdiag's Contract.")
        if not isinstance(getattr(kind, "type", None), str):
            raise GraphdiagError(f"{described} must have a 'type': the word for it in the configuration.")
        if kind.type in kinds:
            raise GraphdiagError(f"{described}: there is a type {kind.type!r} already; give it another.")
        kinds[kind.type] = kind
    return kinds


def make_contract(table: Mapping[str, Any], place: Place) -> Contract:
    """Make a contract from its table in a configuration.

    Args:
        table: The table: ``type``, ``name``, and the options of the kind.
        place: Where it stands, for messages.

    Returns:
        The contract.

    Raises:
        ConfigError: There is no such type, or an option is unknown, missing, or of the wrong form.
    """
    kinds = all_kinds()
    if "type" not in table:
        raise place.error(f"the key 'type' is missing; there are {', '.join(kinds)}.")
    type_ = text(table["type"], place.at("type"))
    if type_ not in kinds:
        hint = nearest(type_, kinds) or f"; there are {', '.join(kinds)}"
        raise place.at("type").error(f"there is no contract of type {type_!r}{hint}.")
    return read_contract(kinds[type_], table, place)
