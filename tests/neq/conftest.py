"""One thread: these networks are so small that two wait for each other."""

import torch

torch.set_num_threads(1)
