"""What changed between two models: snapshots, which layer became which, and the changes in words."""
