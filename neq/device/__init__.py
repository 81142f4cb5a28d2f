"""What a device is like: its free memory, its time, how it rounds, and how many rows it computes together."""
