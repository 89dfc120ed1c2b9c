"""What a program is drawn from: one function a family of ops, in a table of weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ops.catalogue import CATALOGUE

from .drawing import MOST, Draw

ELEMENTWISE = [
    (name, rows[0]) for name, rows in CATALOGUE.items()
    if rows[0].op is not None and name != "custom"
]  # fmt: skip
COMMON = [(n, r) for n, r in ELEMENTWISE
          if n in ("add", "subtract", "multiply", "divide", "maximum", "exp", "tanh", "where",
                   "sigmoid", "less", "equal", "square", "negative", "abs")]  # fmt: skip
WHOLE = {"bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert"}
SHIFTS = {"bitwise_left_shift", "bitwise_right_shift"}
NUMBERS = (0, 1, 2, -1, 0.5, -1.5, 0.1, 1.0, 0.0, 3)


def elementwise(d: Draw) -> int | None:
    """One of the elementwise ops, on what it is defined for."""
    name, row = d.one(COMMON if d.chance(0.4) else ELEMENTWISE)
    if name in SHIFTS:
        return d.step(name, d.some("i"), args=(d.number(0, 3),))
    if name == "round" and d.chance(0.5):
        return d.step(name, d.some("f"))
    kinds = "ib" if name in WHOLE else "b" if name.startswith("logical") else "fib"
    xs: list[int] = []
    for place, domain in enumerate(row.op.domain):
        condition = place < row.op.conditions
        asked = "b" if condition else kinds
        x = d.beside(xs[0], asked) if xs else d.some(asked)
        if not condition and domain != (-2.0, 2.0):
            x = d.within(x, *domain)
        if x is None:
            return None
        xs.append(x)
    if len(xs) == 2 and d.chance(0.12):
        return d.step(name, xs[0], args=(d.one(NUMBERS),))
    if len(xs) == 2 and d.chance(0.03):
        return d.step(name, xs[0], d.give(d.one((2.5, 3, -0.5, 1))))
    if len(xs) == 2 and d.chance(0.05):
        return d.step(name, xs[0], xs[0])
    return d.step(name, *xs)


def power(d: Draw) -> int | None:
    """A power with a fixed exponent."""
    return d.step("pow", d.some("f"), args=(d.one((0, 1, 2, 3, -1, 0.5, -2, 5, 8, 9, 2.5)),))


def cast(d: Draw) -> int | None:
    """Another dtype."""
    x = d.some()
    if np.all(np.abs(np.asarray(d.values[x], float)) < 1e6):
        return d.step("astype", x, args=(d.one(("float32", "float64", "int64", "bool")),))
    return None


def axes(d: Draw, ndim: int) -> Any:
    """None, one axis, or several; from the front or from behind."""
    if ndim == 0 or d.chance(0.25):
        return None
    if d.chance(0.5):
        return d.number(-ndim, ndim - 1)
    count = d.number(0, ndim)
    found = [int(a) for a in d.rng.permutation(ndim)[:count]]
    return tuple(a - ndim if d.chance(0.3) else a for a in found)


REDUCTIONS = ("sum", "sum", "sum", "mean", "prod", "max", "min", "norm", "logsumexp", "var",
              "std", "any", "all", "argmax", "argmin")  # fmt: skip


def reduction(d: Draw) -> int | None:
    """A reduction over some axes."""
    name = d.one(REDUCTIONS)
    kinds = {"any": "b", "all": "b", "norm": "f", "logsumexp": "f", "var": "f", "std": "f"}
    x = d.some(kinds.get(name, "fi" if name != "sum" else "fib"))
    axis = axes(d, np.ndim(d.values[x]))
    if name.startswith("arg") and isinstance(axis, tuple):
        axis = None
    more = {} if axis is None and d.chance(0.5) else {"axis": axis}
    if d.chance(0.35):
        more["keepdims"] = True
    return d.step(name, x, **more)


def running(d: Draw) -> int | None:
    """A running sum or product, or differences."""
    x = d.some("fi", lambda v: np.ndim(v) > 0)
    axis = d.number(-np.ndim(d.values[x]), np.ndim(d.values[x]) - 1)
    name = d.one(("cumulative_sum", "cumulative_prod", "diff"))
    if name != "diff" and d.chance(0.3):
        return d.step(name, x, axis=axis, include_initial=True)
    return d.step(name, x, axis=axis)


def shares(d: Draw) -> int | None:
    """Softmax and its logarithm."""
    x = d.some("f", lambda v: np.ndim(v) > 0)
    n = np.ndim(d.values[x])
    return d.step(d.one(("softmax", "log_softmax")), x, axis=d.number(-n, n - 1))


def clip(d: Draw) -> int | None:
    """Cut at one end or both."""
    return d.step("clip", d.some("f"), args=d.one(((-1.0, 1.0), (None, 0.5), (0.25, None))))


def reshape(d: Draw) -> int | None:
    """Another shape of as many elements."""
    x = d.some()
    size, found = int(np.size(d.values[x])), []
    while size > 1 and d.chance(0.7):
        parts = [k for k in range(2, size + 1) if size % k == 0]
        found.append(d.one(parts))
        size //= found[-1]
    found.append(size)
    for _ in range(d.number(0, 2)):
        found.insert(d.number(0, len(found)), 1)
    if found == [1] and d.chance(0.5):
        found = []
    return d.step("reshape", x, args=(tuple(found),))


def turned(d: Draw) -> int | None:
    """The axes in another order."""
    x = d.some(where=lambda v: np.ndim(v) > 1)
    n = np.ndim(d.values[x])
    if d.chance(0.4):
        return d.step("matrix_transpose", x)
    return d.step("permute_dims", x, args=(tuple(int(a) for a in d.rng.permutation(n)),))


def key(d: Draw, shape: tuple[int, ...]) -> tuple:
    """A key of basic indexing; sometimes with an array."""
    found: list[Any] = []
    for n in shape[: d.number(0, len(shape))] if d.chance(0.4) else shape:
        kind = d.rng.random()
        if kind < 0.2 and n:
            found.append(d.number(-n, n - 1))
        elif kind < 0.5:
            found.append(slice(None, None, d.one((None, 1, -1, 2, -2, 3))))
        elif kind < 0.94:
            low, high = (None if d.chance(0.3) else d.number(-n - 1, n + 1) for _ in range(2))
            found.append(slice(low, high, d.one((None, 1, -1, 2, -3))))
        elif n:
            found.append([d.number(-n, n - 1) for _ in range(d.number(1, 5))])
    if d.chance(0.2):
        found.insert(d.number(0, len(found)), None)
    if d.chance(0.15):
        found.insert(0, ...)
    return tuple(found)


def looked_up(d: Draw) -> int | None:
    """A slice of an array."""
    x = d.some(where=lambda v: np.ndim(v) > 0)
    shape = d.values[x].shape
    made = key(d, shape)
    if made[:1] == (...,) and len(made) - 1 > len(shape) and None not in made:
        made = made[1:]
    try:
        empty = not np.empty(shape)[made].size
    except IndexError:
        return None
    return None if empty and not d.empty else d.step("getitem", x, args=(made,))


def joined(d: Draw) -> int | None:
    """Arrays one after the other, or side by side."""
    x = d.some(where=lambda v: np.ndim(v) > 0)
    shape, dtype = d.values[x].shape, d.values[x].dtype
    axis = d.number(-len(shape), len(shape) - 1)
    if d.chance(0.3):
        same = d.some(where=lambda v: v.shape == shape)
        return d.step("stack", x, same if d.values[same].shape == shape else x, x, axis=axis)
    fits = lambda v: (  # noqa: E731
        np.ndim(v) == len(shape)
        and all(a == b for k, (a, b) in enumerate(zip(v.shape, shape, strict=True))
                if k != axis % len(shape))
    )  # fmt: skip
    others = [d.pick(where=fits) for _ in range(d.number(0, 2))]
    if d.chance(0.4):
        new = list(shape)
        new[axis] = d.number(1, 5)
        others.append(d.give(d.array(tuple(new), str(dtype))))
    return d.step("concat", x, *(o for o in others if o is not None), axis=axis)


def moved(d: Draw) -> int | None:
    """One of the other moves."""
    x = d.some()
    v = d.values[x]
    n = np.ndim(v)
    ones = tuple(k for k, m in enumerate(v.shape) if m == 1)
    name = d.one(("broadcast_to", "expand_dims", "squeeze", "flip", "roll", "pad", "tile", "repeat",
                  "sum_to", "flip", "moveaxis"))  # fmt: skip
    axis = d.number(-n, n - 1) if n else None
    settings: dict[str, Any] = {}
    args: tuple = ()
    if name == "broadcast_to":
        grown = tuple(d.number(1, 5) if m == 1 and d.chance(0.7) else m for m in v.shape)
        args = ((*(d.number(1, 3) for _ in range(d.number(0, 2))), *grown),)
    elif name == "expand_dims":
        settings = {"axis": d.one((0, -1, (0, -1), n))}
    elif name == "squeeze":
        args = (ones if d.chance(0.5) else (ones[:1] or (0,))[0],)
    elif name == "flip":
        settings = {"axis": d.one((None, axis))}
    elif name == "roll":
        args, settings = (d.number(-3, 3),), {"axis": d.one((None, axis))}
    elif name == "pad":
        widths = tuple((d.number(0, 2), d.number(0, 2)) for _ in range(n))
        args = (d.one((1, widths)), *d.one(((), (7.0,))))
    elif name == "tile":
        args = (tuple(d.number(1, 2) for _ in range(d.number(1, 3))),)
    elif name == "repeat":
        args, settings = (d.number(0 if d.empty else 1, 3),), {"axis": d.one((None, axis))}
    elif name == "sum_to":
        args = (d.partner(v.shape),)
    elif name == "moveaxis":
        args = (axis, d.number(-n, n - 1)) if n else (0, 0)
    return d.step(name, x, args=args, **settings)


def triangles(d: Draw) -> int | None:
    """What is done to the last two axes."""
    x = d.some("fi", lambda v: np.ndim(v) >= 2)
    name = d.one(("tril", "triu", "diagonal"))
    word = "offset" if name == "diagonal" else "k"
    return d.step(name, x, **{word: d.number(-2, 2)})


def indexed(d: Draw) -> int | None:
    """What reads or writes by index, or puts in order."""
    x = d.some("fi", lambda v: np.ndim(v) > 0)
    v = d.values[x]
    axis = d.number(0, v.ndim - 1)
    name = d.one(("take", "take_along_axis", "scatter_add", "sort", "argsort", "top_k", "one_hot"))
    count, n = d.number(1, 5), v.shape[axis]
    if not n:
        return None
    at = d.rng.integers(0, n, count)
    if name == "take":
        return d.step(name, x, args=(at,), axis=axis)
    if name == "take_along_axis":
        shape = tuple(count if k == axis else m for k, m in enumerate(v.shape))
        return d.step(name, x, args=(d.rng.integers(0, n, shape),), axis=axis)
    if name == "scatter_add":
        at = d.rng.integers(0, v.shape[0], count) if v.shape[0] else at[:0]
        new = d.give(d.array((len(at), *v.shape[1:]), str(v.dtype)))
        return d.step(name, x, args=(at, d.values[new])) if d.chance(0.5) else None
    if name == "one_hot":
        return d.step(name, d.give(d.rng.integers(0, 4, d.shape(1))), args=(4,))
    if name == "top_k":
        made = d.step(name, x, args=(d.number(1, n),), axis=axis)
        return None if made is None else d.step("pick", made, args=(d.number(0, 1),))
    return d.step(name, x, axis=axis, descending=d.chance(0.3))


def product(d: Draw) -> int | None:
    """A product of vectors, matrices, or stacks of them."""
    x = d.some("f", lambda v: np.ndim(v) > 0)
    v = d.values[x]
    k = v.shape[-1]
    sides = SIDES if d.most <= MOST else (*SIDES, 48, 65, 100, 129)
    fits = lambda w: np.ndim(w) > 0 and w.shape[-2 if np.ndim(w) > 1 else 0] == k  # noqa: E731
    y = d.pick("f", fits)
    if y is None or d.chance(0.6):
        n = d.one(sides)
        stacks = (*v.shape[:-2], k, n), (2, *[1] * (v.ndim - 2), k, 3)
        y = d.give(d.array(d.one(((k,), (k, n), (k, n), (k, 1), *stacks)), str(v.dtype)))
    return d.step("matmul", x, y)


SIDES = (1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 20, 32, 33)


def contraction(d: Draw) -> int | None:
    """The other products."""
    x = d.some("f", lambda v: np.ndim(v) in (1, 2))
    v = d.values[x]
    dtype, n = str(v.dtype), v.shape[-1]
    name = d.one(("linear", "outer", "vecdot", "tensordot", "matmul"))
    if name == "linear":
        m = d.one(SIDES)
        bias = (d.give(d.array((m,), dtype)),) if d.chance(0.7) else ()
        return d.step(name, x, d.give(d.array((m, n), dtype)), *bias)
    if name == "outer":
        return d.step(name, x, d.some("f", lambda w: np.ndim(w) == 1))
    if name == "vecdot":
        return d.step(name, x, d.beside(x, "f"))
    if name == "tensordot":
        return d.step(name, x, d.give(d.array((n, 2, 3), dtype)), axes=1)
    if name == "matmul" and v.ndim == 2:
        turn = d.step("matrix_transpose", x)
        return turn if turn is None else d.step(name, *((x, turn) if d.chance(0.5) else (turn, x)))
    return d.step("vecdot", x, x)


def solved(d: Draw) -> int | None:
    """What linear algebra asks of a square matrix, well away from a singular one."""
    n = d.number(1, 5)
    batch = (2,) if d.chance(0.3) else ()
    a = d.give(d.array((*batch, n, n), d.one(("float32", "float64"))))
    a = d.step("add", a, args=(4.0 * np.eye(n, dtype=d.values[a].dtype),))
    if a is None:
        return None
    name = d.one(("inv", "det", "slogdet", "solve", "cholesky"))
    if name == "solve":
        return d.step(name, a, d.give(d.array((n, 2), str(d.values[a].dtype))))
    if name == "cholesky":
        turn = d.step("matrix_transpose", a)
        a = None if turn is None else d.step("matmul", a, turn)
    made = None if a is None else d.step(name, a)
    return d.step("pick", made, args=(d.number(0, 1),)) if name == "slogdet" and made else made


def stopped(d: Draw) -> int | None:
    """A value that no gradient passes."""
    return d.step("stop_gradient", d.some("f"))


# What the body of a loop is made of, too, and how often.
SIMPLE = {elementwise: 10.0, reduction: 2.0, reshape: 0.7, turned: 0.7, looked_up: 1.0, shares: 0.4,
          moved: 0.8, product: 0.8, joined: 0.5, cast: 0.3, power: 0.3}  # fmt: skip
