"""The live socket: one reader of the store for all viewers, and what each of them is still to be sent."""
