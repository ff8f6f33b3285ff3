"""Contracts: what a team wants its graphs to look like; one module a kind."""
