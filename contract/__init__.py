"""What a run is and what it says, before and while it is trained: known to all programs, and free of torch."""
