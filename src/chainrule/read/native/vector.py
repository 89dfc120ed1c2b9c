"""Numbers in registers: what an op's `forward` is handed so that its value becomes LLVM code.

Data in: operands as `Value`s, and a `Writer`. Data out: lines of LLVM's language in the writer, and
the value that the last of them made. A `Value` is a vector of lanes, one element each; one lane is
a scalar. It has Python's operators, and promotes as the Array API does; every operator writes an
instruction:

    x * y + 1      %v1 = fmul contract <16 x float> %x, %y
                   %v2 = fadd contract <16 x float> %v1, splat (float 0x3FF0000000000000)
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

FLOAT = {"f": {2: "half", 4: "float", 8: "double"}}
INTRINSIC = {"half": "f16", "float": "f32", "double": "f64"}
COMPARED = {  # floats, signed and unsigned integers
    "eq": ("oeq", "eq", "eq"), "ne": ("une", "ne", "ne"), "lt": ("olt", "slt", "ult"),
    "le": ("ole", "sle", "ule"), "gt": ("ogt", "sgt", "ugt"), "ge": ("oge", "sge", "uge"),
}  # fmt: skip
EXPECT = "declare i64 @llvm.expect.i64(i64, i64)"
BOOL, I64, F64 = np.dtype(bool), np.dtype(np.int64), np.dtype(np.float64)


class Writer:
    """The instructions of one function, in order; every result gets a new name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self.defined: set[str] = set()  # names of functions that are among them
        self.count = 0
        self.calls = False  # whether functions are called, and not written out where they are used

    def fresh(self, stem: str = "v") -> str:
        """A name that is not taken."""
        self.count += 1
        return f"%{stem}{self.count}"

    def line(self, text: str) -> None:
        """An instruction without a result, or a label."""
        self.lines.append(text)

    def put(self, text: str, stem: str = "v") -> str:
        """An instruction, and the name of its result."""
        name = self.fresh(stem)
        self.lines.append(f"  {name} = {text}")
        return name

    def counted(
        self, end: Any, body: Callable[[str], None], step: int = 1, begin: Any = 0,
        any_at_all: bool = True,
    ) -> None:  # fmt: skip
        """A loop over the numbers from `begin` on, `step` apart, that are below `end`."""
        i, head = self.fresh("i"), self.fresh("L")[1:]
        self.line(f"  br label %{head}.in\n{head}.in:")
        if any_at_all:
            self.line(f"  br label %{head}")
        else:
            self.line(f"  {i}.any = icmp ult i64 {begin}, {end}")
            self.line(f"  br i1 {i}.any, label %{head}, label %{head}.out")
        self.line(f"{head}:\n  {i} = phi i64 [ {begin}, %{head}.in ], [ {i}.next, %{head}.end ]")
        body(i)
        self.line(f"  br label %{head}.end\n{head}.end:")
        self.again(head, i, step, end)

    def again(self, head: str, i: str, step: int, end: Any) -> None:
        """The end of a loop: back to its head while the next number is below `end`.

        That it is a counter is hidden from LLVM: to rewrite loops by what they count takes it a
        quarter of all its time, and addresses are written here as the machine reads them.
        """
        self.declare(EXPECT)
        shown = self.put(f"add nuw nsw i64 {i}, {step}", "i")
        self.line(f"  {i}.next = call i64 @llvm.expect.i64(i64 {shown}, i64 0)")
        self.line(f"  {i}.more = icmp ult i64 {i}.next, {end}")
        self.line(f"  br i1 {i}.more, label %{head}, label %{head}.out\n{head}.out:")

    def declare(self, text: str) -> None:
        """A function from outside that the code calls."""
        self.declared.add(text)


def scalar_type(dtype: np.dtype) -> str:
    """The LLVM type of one element in a register.

    >>> scalar_type(np.dtype("f4")), scalar_type(np.dtype(bool)), scalar_type(np.dtype("u2"))
    ('float', 'i1', 'i16')
    """
    if dtype.kind == "f":
        return FLOAT["f"][dtype.itemsize]
    return "i1" if dtype.kind == "b" else f"i{8 * dtype.itemsize}"


def typed(dtype: np.dtype, lanes: int) -> str:
    """The LLVM type of a vector of so many lanes."""
    kind = scalar_type(dtype)
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def literal(value: Any, dtype: np.dtype) -> str:
    """A number as LLVM reads it: floats by their bits, so that none is rounded twice."""
    if dtype.kind == "f":
        bits = struct.unpack("<Q", struct.pack("<d", float(dtype.type(value))))[0]
        if dtype.itemsize == 2:
            return "0xH" + struct.pack(">e", float(value)).hex().upper()
        return f"0x{bits:016X}"
    if dtype.kind == "b":
        return "true" if value else "false"
    return str(int(value))


class Value:
    """A vector of elements in a register."""

    __slots__ = ("dtype", "lanes", "number", "ref", "w")

    def __init__(
        self, w: Writer, ref: str, dtype: np.dtype, lanes: int, number: Any = None
    ) -> None:
        self.w, self.ref, self.dtype, self.lanes = w, ref, dtype, lanes
        self.number = number  # of a constant: what is in every lane

    shape = ()  # an element is one number: ops that ask are told so
    ndim = 0

    @property
    def type(self) -> str:
        """The LLVM type."""
        return typed(self.dtype, self.lanes)

    def like(self, number: Any, dtype: np.dtype | None = None) -> Value:
        """A number in every lane."""
        dtype = self.dtype if dtype is None else dtype
        text = literal(number, dtype)
        if self.lanes > 1:
            text = f"splat ({scalar_type(dtype)} {text})"
        return Value(self.w, text, dtype, self.lanes, number)

    def made(self, text: str, dtype: np.dtype | None = None) -> Value:
        """What an instruction gives."""
        return Value(self.w, self.w.put(text), dtype or self.dtype, self.lanes)

    def bits(self, dtype: np.dtype) -> Value:
        """The same bits, read as another dtype of the same size."""
        return self.made(f"bitcast {self.type} {self.ref} to {typed(dtype, self.lanes)}", dtype)

    def call(self, name: str, *others: Value) -> Value:
        """An LLVM intrinsic of operands of this dtype."""
        kind = INTRINSIC.get(scalar_type(self.dtype), scalar_type(self.dtype))
        suffix = f"v{self.lanes}{kind}" if self.lanes > 1 else kind
        operands = ", ".join(f"{v.type} {v.ref}" for v in (self, *others))
        kinds = ", ".join(v.type for v in (self, *others))
        extra = ", i1 false" if name == "abs" else ""
        self.w.declare(f"declare {self.type} @llvm.{name}.{suffix}({kinds}{', i1' * bool(extra)})")
        return self.made(f"call {self.type} @llvm.{name}.{suffix}({operands}{extra})")

    def astype(self, dtype: np.dtype) -> Value:
        """The same numbers in another dtype."""
        return converted(self, np.dtype(dtype))

    def select(self, yes: Value, no: Value) -> Value:
        """Where this condition holds the one, elsewhere the other."""
        chosen = f"select {self.type} {self.ref}, {yes.type} {yes.ref}, {no.type} {no.ref}"
        return self.made(chosen, yes.dtype)

    def _operands(self, other: Any) -> tuple[Value, Value]:
        return together(self, other)

    def _compare(self, other: Any, how: str) -> Value:
        a, b = together(self, other)
        kind = a.dtype.kind
        word = COMPARED[how]["fiu".find(kind) if kind in "fiu" else 2]
        op = "fcmp" if kind == "f" else "icmp"
        return a.made(f"{op} {word} {a.type} {a.ref}, {b.ref}", BOOL)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, "eq")

    def __ne__(self, other: object) -> Any:
        return self._compare(other, "ne")

    def __lt__(self, other: Any) -> Value:
        return self._compare(other, "lt")

    def __le__(self, other: Any) -> Value:
        return self._compare(other, "le")

    def __gt__(self, other: Any) -> Value:
        return self._compare(other, "gt")

    def __ge__(self, other: Any) -> Value:
        return self._compare(other, "ge")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("there is no number yet")  # so an op that asks for one is NumPy's

    def __add__(self, other: Any) -> Value:
        return arithmetic("add", *together(self, other))

    def __sub__(self, other: Any) -> Value:
        return arithmetic("sub", *together(self, other))

    def __mul__(self, other: Any) -> Value:
        return arithmetic("mul", *together(self, other))

    def __radd__(self, other: Any) -> Value:
        return arithmetic("add", *reversed(together(self, other)))

    def __rsub__(self, other: Any) -> Value:
        return arithmetic("sub", *reversed(together(self, other)))

    def __rmul__(self, other: Any) -> Value:
        return arithmetic("mul", *reversed(together(self, other)))

    def __truediv__(self, other: Any) -> Value:
        return divided(*together(self, other))

    def __rtruediv__(self, other: Any) -> Value:
        return divided(*reversed(together(self, other)))

    def __neg__(self) -> Value:
        if self.dtype.kind == "f":
            return self.made(f"fneg {self.type} {self.ref}")
        return arithmetic("sub", self.like(0), self)

    def __pos__(self) -> Value:
        return self

    def __and__(self, other: Any) -> Value:
        return bitwise("and", *together(self, other))

    def __or__(self, other: Any) -> Value:
        return bitwise("or", *together(self, other))

    def __xor__(self, other: Any) -> Value:
        return bitwise("xor", *together(self, other))

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Value:
        return bitwise("xor", self, self.like(True if self.dtype.kind == "b" else -1))

    def __lshift__(self, by: int) -> Value:
        return bitwise("shl", self, self.like(by))

    def __rshift__(self, by: int) -> Value:
        return bitwise("ashr" if self.dtype.kind == "i" else "lshr", self, self.like(by))


def together(x: Any, y: Any) -> tuple[Value, Value]:
    """Two operands in their common dtype; a Python number takes that of the other.

    One of the two is a Value.
    """
    if not isinstance(x, Value):
        b, a = together(y, x)
        return a, b
    if not isinstance(y, Value):
        dtype = np.result_type(x.dtype, y)
        return converted(x, dtype), x.like(y, dtype)
    if x.dtype == y.dtype:
        return x, y
    dtype = np.result_type(x.dtype, y.dtype)
    return converted(x, dtype), converted(y, dtype)


def arithmetic(word: str, a: Value, b: Value) -> Value:
    """A sum, difference or product; a multiplication may melt into an addition after it."""
    if a.dtype.kind == "b":
        return bitwise({"add": "or", "mul": "and", "sub": "xor"}[word], a, b)
    op = f"f{word} contract" if a.dtype.kind == "f" else word
    return a.made(f"{op} {a.type} {a.ref}, {b.ref}")


def divided(a: Value, b: Value) -> Value:
    """The quotient, always a float."""
    if a.dtype.kind != "f":
        a, b = converted(a, F64), converted(b, F64)
    return a.made(f"fdiv {a.type} {a.ref}, {b.ref}")


def bitwise(word: str, a: Value, b: Value) -> Value:
    """A bit by bit operation."""
    return a.made(f"{word} {a.type} {a.ref}, {b.ref}")


def converted(x: Value, dtype: np.dtype) -> Value:
    """The same numbers in another dtype, as NumPy's astype; out of range saturates."""
    if x.dtype == dtype:
        return x
    if x.number is not None and dtype.kind == "f":
        return x.like(x.dtype.type(x.number), dtype)
    source, to = x.dtype, typed(dtype, x.lanes)
    if dtype.kind == "b":
        return x != x.like(0)
    if source.kind == "f" and dtype.kind == "f":
        word = "fpext" if dtype.itemsize > source.itemsize else "fptrunc"
    elif dtype.kind == "f":
        word = "sitofp" if source.kind == "i" else "uitofp"
    elif source.kind == "f":
        return saturated(x, dtype)
    elif dtype.itemsize > source.itemsize or source.kind == "b":
        word = "sext" if source.kind == "i" else "zext"
    elif dtype.itemsize < source.itemsize:
        word = "trunc"
    else:
        return Value(x.w, x.ref, dtype, x.lanes)  # the sign is how it is read, not what it is
    return x.made(f"{word} {x.type} {x.ref} to {to}", dtype)


def saturated(x: Value, dtype: np.dtype) -> Value:
    """A float cut to an integer."""
    word = "fptosi" if dtype.kind == "i" else "fptoui"
    to, kind = typed(dtype, x.lanes), scalar_type(dtype)
    many = f"v{x.lanes}" if x.lanes > 1 else ""
    name = f"@llvm.{word}.sat.{many}{kind}.{many}{INTRINSIC[scalar_type(x.dtype)]}"
    x.w.declare(f"declare {to} {name}({x.type})")
    return x.made(f"call {to} {name}({x.type} {x.ref})", dtype)


def pointers_of(w: Writer, views: Any) -> dict[int, str]:
    """The beginnings of these views' buffers, read from the table."""
    found = {}
    for slot in sorted({v.buffer.slot for v in views}):
        place = w.put(f"getelementptr inbounds ptr, ptr %table, i64 {slot}", "t")
        found[slot] = w.put(f"load ptr, ptr {place}", "b")
    return found
