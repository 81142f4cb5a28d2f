"""Checkpoints: what continuing a run needs, in a file an epoch.

`folder` knows files by name and imports no torch, for the worker; `files`, `train_state` and `checkpointer` write and
read them, in the training process. Nothing here knows the database, which says which checkpoint counts.
"""
