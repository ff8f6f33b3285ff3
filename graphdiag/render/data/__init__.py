"""Files that other programs read: GraphML, node-link JSON, and the JSON of a diff."""
