"""PyTorch through `torch.compile`, which needs a C++ compiler: forward and backward."""

import torch
import work as w
from with_torch import MAKE

if __name__ == "__main__":
    w.main({kind: lambda work, make=make: make(work, torch.compile) for kind, make in MAKE.items()})
