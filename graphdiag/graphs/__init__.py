"""The normal forms: layer graph, op graph, drawn graph. Nothing of graphdiag's own is imported here."""
