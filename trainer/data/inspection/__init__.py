"""Looking through a run's data before its first epoch: what is in it, twice in it, or no part of it."""
