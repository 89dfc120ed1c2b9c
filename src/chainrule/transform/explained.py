"""What a compiled function says of itself: its passes, its kernels, its code, its forms."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..graph.errors import UsageError
from .forms import Form, is_input, names_of, why


class Explained:
    """The part of a compiled function that explains it."""

    f: Callable
    versions: OrderedDict[Any, Any]
    forms: list[Form]
    without: frozenset

    def why_recompiled(self) -> str:
        """Why the last form was compiled though there were others: which argument changed, how.

        >>> import chainrule as cr, numpy as np
        >>> double = cr.compile(lambda x: 2 * x)
        >>> double(np.ones(3)), double(np.ones(2))
        (array([2., 2., 2.]), array([2., 2.]))
        >>> print(double.why_recompiled())
        <lambda> has 2 forms. The last one is there because of:
          x: shape (3,) → (2,)
        Each shape is compiled once and then kept. A last, smaller batch is best left out or padded.
        """
        return why(self.f, self.forms)

    def explain(self, of: str = "") -> str:
        """What became of the function, in text: its passes, its kernels, the limit they meet.

        Of the last form. Every pass with the ops that went and came; every kernel with what it
        computes, reads and writes; the least time that this machine needs for it, by its
        arithmetic or its memory, both measured, and the time that it takes; what is left to NumPy.
        `of` the name of a pass: what that one changed, op by op, as a diff.
        Raises: UsageError before the first call, and for a pass that there is not.

        >>> import chainrule as cr, numpy as np
        >>> cube = cr.compile(lambda x: x * x * (x + 0.0))
        >>> cube(np.ones(3))
        array([1., 1., 1.])
        >>> print(cube.explain("simplify"))  # doctest: +ELLIPSIS
        − %1 = multiply(x, x)   float64 (3,)...
        − %2 = add(x, 0.0)   float64 (3,)...
        − %3 = multiply(%1, %2)   float64 (3,)...
        + %4 = square(x)   float64 (3,)...
        + %1 = multiply(%4, x)   float64 (3,)...
        """
        from ..read.native.explain.report import explained

        version, form = self._last("explain"), self.forms[-1]
        names = names_of(self.f, form.structure)
        names = [n for n, x in zip(names, form.leaves, strict=True) if is_input(x)]
        name = getattr(self.f, "__name__", "function")
        return explained(name, version.graph, version.run, names, self.without, of)

    @property
    def ir(self) -> str:
        """The LLVM code of the last form: as it was written, and after LLVM's passes."""
        from ..read.native.explain.report import ir

        return ir(self._last("ir").run)

    @property
    def asm(self) -> str:
        """The machine's instructions for the last form."""
        from ..read.native.explain.report import asm

        return asm(self._last("asm").run)

    def _last(self, asked: str) -> Any:
        if not self.versions:
            raise UsageError(f"{asked}: nothing is compiled yet; call the function once")
        return next(reversed(self.versions.values()))

    def __repr__(self) -> str:
        count = len(self.versions)
        told = "not called yet" if not count else "1 form" if count == 1 else f"{count} forms"
        return f"<compiled {getattr(self.f, '__name__', self.f)}: {told}>"
