"""The network that is watched: which of its layers have neurons, and seeing what these give without leaving a trace."""
