"""What is known of a run before it is launched, without torch: from its description and from what workers have."""
