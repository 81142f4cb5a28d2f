"""From φ to the neurons that are not updated in the next epoch: velocity, rule, groups."""
