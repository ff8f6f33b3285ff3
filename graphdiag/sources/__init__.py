"""Where graphs come from: one module a kind of source, each giving an `Opened`."""
