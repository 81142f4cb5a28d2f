"""Reading back what a server has recorded, as numpy arrays: `neq.Client`. Needs no torch."""
