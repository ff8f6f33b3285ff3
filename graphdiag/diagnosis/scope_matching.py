"""Matching: which of several layers each scope belongs to, so that every layer gets one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from graphdiag.disjoint_sets import DisjointSets


def assign(
    found: Mapping[str, Sequence[str]], same: Sequence[tuple[str, str]], calls: Mapping[str, int]
) -> dict[str, str]:
    """Choose a layer for each scope.

    Args:
        found: Candidates of each scope, the layer with the scope's exact name first.
        same: Pairs of scopes that are calls of the same layer.
        calls: How often each layer is called.

    Returns:
        Layer by scope. Every layer gets a scope if that is possible at all.
    """
    group: DisjointSets[str] = DisjointSets()
    for left, right in same:
        if set(found[left]) & set(found[right]):
            group.join(right, into=left)
    head_of = {scope: group.root(scope) for scope in found}
    members: dict[str, list[str]] = defaultdict(list)
    for scope, head in head_of.items():
        members[head].append(scope)
    candidates: dict[str, list[str]] = {}
    for head, scopes in members.items():
        shared = [owner for owner in found[head] if all(owner in found[scope] for scope in scopes)]
        if shared:
            candidates[head] = shared
        else:
            # The variables of two layers are mixed in these scopes, so they say nothing about the calls.
            candidates.update({scope: list(found[scope]) for scope in scopes})
            head_of.update((scope, scope) for scope in scopes)
    chosen = _match(candidates)
    count = Counter(chosen.values())
    for head, options in candidates.items():
        if head not in chosen:
            # A further call: of the layer that is called more often than it has scopes so far.
            open_options = [owner for owner in options if count[owner] < calls[owner]]
            chosen[head] = (open_options or options)[0]
            count[chosen[head]] += 1
    return {scope: chosen[head] for scope, head in head_of.items()}


def _match(candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """One scope for as many layers as possible: a maximum matching by augmenting paths.

    Returns:
        Layer by scope, for the scopes that are matched.
    """
    layer_of: dict[str, str] = {}
    scope_of: dict[str, str] = {}
    # Scopes without a choice come first: they leave the least to be moved.
    for scope in sorted(candidates, key=lambda scope: len(candidates[scope])):
        wanted_by: dict[str, str] = {}
        waiting = [scope]
        free = None
        while waiting and free is None:
            current = waiting.pop()
            for owner in candidates[current]:
                if owner in wanted_by:
                    continue
                wanted_by[owner] = current
                if owner not in scope_of:
                    free = owner
                    break
                waiting.append(scope_of[owner])
        # Hand the free layer to the scope that asked for it, that scope's old layer to the one before, and so on.
        while free is not None:
            taker = wanted_by[free]
            given_up = layer_of.get(taker)
            layer_of[taker], scope_of[free] = free, taker
            free = given_up
    return layer_of
