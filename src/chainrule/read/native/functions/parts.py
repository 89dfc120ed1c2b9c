"""What the functions are put together from: polynomials, powers of two, sums without an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..machine.engine import register
from ..vector import Value, Writer, scalar_type, together

MANTISSA = {4: 23, 8: 52}
BIAS = {4: 127, 8: 1023}
SHORT = {"sqrt", "copysign"}  # an instruction or two
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def real(x: Value) -> Value:
    """A float of what may be an integer."""
    return x if x.dtype.kind == "f" else x.astype(np.result_type(x.dtype, 0.0))


def of_floats(f: Callable[..., Value]) -> Callable[..., Value]:
    """A function of floats of one size, for any numbers."""

    @wraps(f)
    def function(*given: Any) -> Value:
        xs = [real(x) for x in (together(*given) if len(given) == 2 else given)]
        return _called(f, xs) if xs[0].w.calls and f.__name__ not in SHORT else f(*xs)

    return function


def _called(f: Callable[..., Value], xs: list[Value]) -> Value:
    """The value by a call of a function of its own, which has the instructions."""
    like = xs[0]
    name = f"@{f.__name__.strip('_')}.{like.lanes}.{scalar_type(like.dtype)}"
    outline(name, f, xs, "noinline")
    listed = ", ".join(f"{x.type} {x.ref}" for x in xs)
    return like.made(f"call {like.type} {name}({listed})")


def outline(name: str, f: Callable[..., Value], like: list[Value], how: str) -> None:
    """Define a function of the module that is `f` of operands like these, if it is not yet."""
    caller, w = like[0].w, Writer()
    if name in caller.defined:
        return
    caller.defined.add(name)
    xs = [Value(w, f"%x{k}", x.dtype, x.lanes) for k, x in enumerate(like)]
    found = f(*xs)
    takes = ", ".join(f"{x.type} {x.ref}" for x in xs)
    lines = "\n".join(w.lines)
    caller.declared |= w.declared
    caller.declare(
        f"define internal {found.type} {name}({takes}) {how} nounwind memory(none) {{\n"
        f"{lines}\n  ret {found.type} {found.ref}\n}}"
    )


def integers(x: Value) -> np.dtype:
    """The integers as wide as these floats."""
    return np.dtype(f"i{x.dtype.itemsize}")


def plus(a: Value, b: Value) -> Value:
    """a + b, rounded: never melted with a product before it."""
    return a.made(f"fadd {a.type} {a.ref}, {b.ref}")


def minus(a: Value, b: Value) -> Value:
    """a - b, rounded."""
    return a.made(f"fsub {a.type} {a.ref}, {b.ref}")


def times(a: Value, b: Value) -> Value:
    """a·b, rounded."""
    return a.made(f"fmul {a.type} {a.ref}, {b.ref}")


def fma(a: Value, b: Any, c: Any) -> Value:
    """a·b + c, rounded once."""
    b = b if isinstance(b, Value) else a.like(b)
    c = c if isinstance(c, Value) else a.like(c)
    return a.call("fma", b, c)


def sum_of_two(a: Value, b: Value) -> tuple[Value, Value]:
    """a + b and what rounding took from it (Knuth, *TAOCP* 2, 4.2.2, theorem B)."""
    s = plus(a, b)
    part = minus(s, a)
    return s, plus(minus(a, minus(s, part)), minus(b, part))


def sum_of_sorted(a: Value, b: Value) -> tuple[Value, Value]:
    """The same where |a| ≥ |b|, or a is 0 (Dekker 1971)."""
    s = plus(a, b)
    return s, plus(minus(a, s), b)


def product_of_two(a: Value, b: Value) -> tuple[Value, Value]:
    """a·b and what rounding took from it."""
    p = times(a, b)
    return p, fma(a, b, -p)


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """A polynomial from the constant term up; the even and the odd terms run side by side."""
    if len(coefficients) < 4:
        return _horner(x, coefficients)
    square = x * x
    return fma(_horner(square, coefficients[1::2]), x, _horner(square, coefficients[::2]))


def _horner(x: Value, coefficients: Sequence[float]) -> Value:
    total = x.like(coefficients[-1])
    for c in coefficients[-2::-1]:
        total = fma(total, x, c)
    return total


def nearest(x: Value, scale: float = 1.0) -> tuple[Value, Value]:
    """The whole number nearest to x·scale, and bits that end with it (Muller, section 11.2).

    Added to 1½·2ᵖ a number loses its fraction. It may be as large as a quarter of 2ᵖ.
    """
    far = 1.5 * 2.0 ** MANTISSA[x.dtype.itemsize]
    shifted = fma(x, scale, far)
    return minus(shifted, x.like(far)), shifted.bits(integers(x))


def power_of_two(n: Value) -> Value:
    """2ⁿ, for a whole n within the range of normal numbers; 0 for the one below."""
    size = n.dtype.itemsize
    shifted = plus(n, n.like(1.5 * 2.0 ** MANTISSA[size] + BIAS[size]))
    return (shifted.bits(integers(n)) << MANTISSA[size]).bits(n.dtype)


def scaled(x: Value, n: Value) -> Value:
    """x·2ⁿ rounded once, for x near 1 and n so large or small that the ends are reached.

    Where the machine has an instruction for it, by that; else in two steps, which give the same
    bits: the first one is exact.
    """
    if register() == 64 and x.lanes * x.dtype.itemsize in (16, 32, 64):
        return _by_instruction(x, n)
    half = nearest(n, 0.5)[0]
    return times(times(x, power_of_two(half)), power_of_two(minus(n, half)))


def _by_instruction(x: Value, n: Value) -> Value:
    """AVX-512's VSCALEF."""
    bits, v, size = 8 * x.lanes * x.dtype.itemsize, x.type, x.dtype.itemsize
    mask = f"i{max(8, x.lanes)}"
    name = f"@llvm.x86.avx512.mask.scalef.p{'s' if size == 4 else 'd'}.{bits}"
    mode = bits == 512  # only the widest one asks how to round; 4: as ever
    x.w.declare(f"declare {v} {name}({v}, {v}, {v}, {mask}{', i32 immarg' * mode})")
    return x.made(
        f"call {v} {name}({v} {x.ref}, {v} {n.ref}, {v} zeroinitializer, {mask} -1"
        f"{', i32 4' * mode})"
    )


def by_libm(name: str, *xs: Value) -> Value:
    """A function of libm, lane by lane."""
    first = xs[0]
    called = name + ("f" if first.dtype.itemsize == 4 else "")
    kind = scalar_type(first.dtype)
    first.w.declare(
        f"declare {kind} @{called}({', '.join([kind] * len(xs))}) nounwind memory(none)"
    )
    if first.lanes == 1:
        listed = ", ".join(f"{kind} {x.ref}" for x in xs)
        return first.made(f"call {kind} @{called}({listed})")
    total = f"{first.type} poison"
    for k in range(first.lanes):
        parts = [x.w.put(f"extractelement {x.type} {x.ref}, i64 {k}") for x in xs]
        found = first.w.put(f"call {kind} @{called}({', '.join(f'{kind} {p}' for p in parts)})")
        total = f"{first.type} " + first.w.put(f"insertelement {total}, {kind} {found}, i64 {k}")
    return Value(first.w, total.split()[-1], first.dtype, first.lanes)


def unless(rare: Value, fast: Value, name: str, *xs: Value) -> Value:
    """`fast`, but in lanes where `rare` holds libm's function of this name.

    The call stands in a function of its own, behind a branch that is hardly ever taken.
    """
    w, vector = fast.w, fast.type
    outlined = f"@rare.{name}.{fast.lanes}.{scalar_type(fast.dtype)}"
    outline(outlined, lambda *xs: by_libm(name, *xs), list(xs), "cold noinline")
    label = w.fresh("rare")[1:]
    some = rare.ref
    if rare.lanes > 1:
        reduction = f"@llvm.vector.reduce.or.v{rare.lanes}i1"
        w.declare(f"declare i1 {reduction}({rare.type})")
        some = w.put(f"call i1 {reduction}({rare.type} {rare.ref})")
    w.line(f"  br label %{label}.in\n{label}.in:")
    w.line(f"  br i1 {some}, label %{label}, label %{label}.out")
    w.line(f"{label}:")
    listed = ", ".join(f"{vector} {x.ref}" for x in xs)
    slow = Value(w, w.put(f"call {vector} {outlined}({listed})"), fast.dtype, fast.lanes)
    both = rare.select(slow, fast)
    w.line(f"  br label %{label}.out\n{label}.out:")
    return fast.made(f"phi {vector} [ {fast.ref}, %{label}.in ], [ {both.ref}, %{label} ]")
