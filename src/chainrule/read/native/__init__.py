"""Machine code from a graph: a tuple of passes, then LLVM. The only room that knows llvmlite.

To read it, follow a graph on its way; `cr.compile(f).explain()` shows the same way for a function.

1. `native`: the way as a whole, and how a program is run. `program`: what all later files speak of,
   buffers, views of them, and kernels over views.
2. `passes/`: from graph to graph. `passes/__init__` is the tuple of them; `levels` and `parts` are
   what they are written with, `share` is the shortest one and `sink` the one that saves most.
3. `plan/`: from graph to program. Begin with `planner`; its helpers by what they decide:
   `schedule` (the order), `deferred` (what waits for its reader), `reductions` (where sums go),
   `scanned` and `split` (scans, and their batch in parts), `prepacked` (matrices laid out before a
   scan), `place` (the arena), `donate` (results over arguments). `verify` checks what came out.
4. `vector` and `functions/`: what an op's own `forward` is handed, so that its value is code.
5. `module`, then `kernels/loops` over `kernels/memory`: a kernel as text. Special nests are its
   heirs: `totals` (sums of all elements), `turns` (transposed copies), and for products `sums` and
   `products`, with `tiling` (how large a tile), `panels` and `packing` (factors laid out anew),
   `dots` (few rows). `rows` (indices), `branch` and `steps` (a scan) are functions by themselves.
6. `machine/`: LLVM, code kept on disk, several cores. `plain`: without LLVM.
7. `door/`: how a call gets here without Python; it can be left out at first.
8. `explain/` and `work`: what is told of all this.
"""

from .machine.threads import wanted
from .native import native
from .passes import switched_off

__all__ = ["native", "switched_off", "wanted"]
