"""Pages of the documentation that are made from the program: run by MkDocs through `hook`."""
