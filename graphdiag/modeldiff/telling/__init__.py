"""Changes in lines: each teller takes the changes that it can say in one line together, and leaves the others."""
