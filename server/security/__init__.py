"""Who may speak to this server, how much, and what its pages may load."""
