"""NEq in training loops of other libraries, each with an extra of its own.

`neq.integrations.lightning` needs the extra `lightning`, `neq.integrations.transformers` the extra
`transformers`. Importing this package alone loads neither.
"""
