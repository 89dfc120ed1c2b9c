"""PyTorch through `torch.compile`, which needs a C++ compiler: forward and backward."""

import torch
import work as w
from with_torch import make_step

if __name__ == "__main__":
    w.main({w.Step: lambda work: make_step(work, torch.compile)})
