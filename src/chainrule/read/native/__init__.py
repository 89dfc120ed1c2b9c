"""Machine code from a graph: a tuple of passes, then LLVM. The only room that knows llvmlite.

To read it, follow a graph on its way; `cr.compile(f).explain()` shows the same way for a function.

1. `pipeline`: all passes on one screen. `program`: what all later files speak of, buffers, views of
   them, and kernels over views. `native`: how a program is run.
2. `passes/`: from graph to graph. `levels` and `scans` are what they are written with; `share` is
   the shortest one, and `sink` the one that saves most. `decompositions` and `truths` are tables of
   rules that belong to `expand` and `tidy`; `stacked` is what `hoist` makes of an op for all steps.
3. `plan/`: from graph to program. `planner` takes the nodes in the order of `schedule`: `views`
   compute nothing, `fuse` says which loop computes what, `reductions` where sums go, `scanned` how
   a scan runs (`split`: its batch in parts; `panels`: its matrices laid out beforehand). Then come
   `place` (the arena) and `donate` (results over arguments). `verify` checks what came out.
4. `vector` and `functions/`: what an op's own `forward` is handed, so that its value is code.
5. `module`, then `kernels/loops` over `kernels/memory`: a kernel as text. Special nests are its
   heirs: `totals` (sums of all elements), `columns` (sums along the first axis), `turns`
   (transposed copies), and for products `sums` and `products`, with `tiling` (how large a tile),
   `panels` and `packing` (factors laid out anew), `dots` (few rows). `rows` (indices), `branch` and
   `steps` (a scan) are functions by themselves.
6. `machine/`: LLVM, code kept on disk, several cores. `plain`: without LLVM.
7. `door/`: how a call gets here without Python; it can be left out at first.
8. `explain/` and `work`: what is told of all this.
"""

from .machine.threads import wanted
from .native import native
from .pipeline import switched_off

__all__ = ["native", "switched_off", "wanted"]
