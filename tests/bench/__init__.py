"""Benchmarks, each figure beside what it is measured against. ``make bench`` runs them; no test depends on them.

``python -m tests.bench PART...`` runs some parts, ``--quick`` leaves out what takes minutes.
"""
