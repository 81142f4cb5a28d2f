"""Runs side by side: curves over any axis, bands over repetitions, masks against each other."""
