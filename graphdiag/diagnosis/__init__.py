"""The diagnosis: who owns each op, what every tensor carries, which edges cross between layers, and why."""
