"""NEq in training loops of other libraries, each with an extra of its own.

`trainer.integrations.lightning` needs the extra `lightning`, `trainer.integrations.transformers` the extra
`transformers`. Importing this package alone loads neither.
"""
