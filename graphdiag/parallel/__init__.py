"""Tasks on the cores of this machine or on a cluster, through ``concurrent.futures``.

An engine is a `concurrent.futures.Executor`; what uses one does not know which it is.
"""
