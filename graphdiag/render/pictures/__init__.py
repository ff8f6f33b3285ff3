"""Pictures of layers and of the drawn graph: the DOT language, and what Graphviz makes of it."""
