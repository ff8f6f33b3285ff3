"""What comes out: one module a format."""
