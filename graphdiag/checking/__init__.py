"""Assertions for CI: contracts, the configuration that holds them, and the check that runs them over models."""
