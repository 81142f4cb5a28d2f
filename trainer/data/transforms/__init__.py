"""Which part of an image is seen, and how it is varied: in training at random, in testing always the same."""
