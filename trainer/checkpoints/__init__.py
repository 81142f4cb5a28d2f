"""Checkpoints: what continuing a run needs, in a file an epoch.

`shelf` and `retention` know files by name and import no torch, for the worker; `files` and `state` write and read them,
in the training process. Nobody here knows the store: which checkpoint counts is for the store to say.
"""
