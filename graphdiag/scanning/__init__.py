"""The scan: find every run and model below some places, compare each, and say what they have in common.

One module a stage: `listing` walks directories and buckets, `discovery` says what in them is a run or a model, `tasks`
compares one of them, `store` keeps what was found, in files that `places` reads and writes, `table` holds the rows on
disk, `structures` tells which runs differ from the run before, and `scan` is all of it in order. Where the tasks run is
the matter of `graphdiag.parallel`.
"""
