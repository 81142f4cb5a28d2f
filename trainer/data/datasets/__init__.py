"""Labelled images in batches: whole tensors in memory, or files that are read as training goes on; and their parts."""
