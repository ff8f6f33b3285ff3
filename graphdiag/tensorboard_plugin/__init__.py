"""The tab Graph diagnosis in TensorBoard.

TensorBoard finds it by the entry point ``tensorboard_plugins``. In TensorBoard's own process runs as little as can be:
it looks which files there are, keeps a list of runs with their answers, and serves pages. Everything that reads a log
runs in processes of their own, with limits on time and memory.
"""
