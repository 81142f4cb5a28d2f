"""The composition root: the one place that knows all parts, and the commands that start them."""
