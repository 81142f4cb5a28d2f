"""Runs on a Ray cluster. Imported only where a worker is asked for one: ray is an extra of its own.

`connection` lets the worker in, `cluster` reserves places on nodes, `run` hears what happens there, and `node` is what
the nodes execute.
"""
