"""A little language for machine code that is no arithmetic: Python's syntax over 64-bit words.

Everything is a word: a number, an address, or the bits of a double. `p[k]` is the k-th word at the
address p; `half(p, k)` the lower half of it, `byte(p)` the byte at p, `room(n)` the address of n
new words that last until the function returns. A name that was never assigned is one of the
`figures` that are handed in, or a function from outside by its signature; `call(f, …)` calls what
lies at an address. There are `if`, `while`, `for … in range(…)`, `return`, comparisons (of numbers
without a sign), `and`, `or`, `not`, and `+ - * &`. Functions of the program that begin with `_`
cannot be seen from outside.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from ....graph.errors import GraphError

COMPARED = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "ult", ast.GtE: "uge"}
OPERATIONS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and"}
# How a word becomes what a signature says, and back.
INTO = {"i64": "", "ptr": "inttoptr i64 {} to ptr", "i32": "trunc i64 {} to i32",
        "double": "bitcast i64 {} to double"}  # fmt: skip
BACK = {"i64": "", "ptr": "ptrtoint ptr {} to i64", "i32": "sext i32 {} to i64",
        "double": "bitcast double {} to i64"}  # fmt: skip


def compiled(program: str, outside: Mapping[str, str], figures: Mapping[str, int]) -> str:
    """The text of LLVM's module for a program.

    `outside`: what each function from outside takes and gives, as in `ptr(ptr, i64)`.
    Raises: GraphError for what the language does not have, with the line.
    """
    functions = [f for f in ast.parse(program).body if isinstance(f, ast.FunctionDef)]
    known = dict(outside)
    known |= {f.name: f"i64({', '.join(['i64'] * len(f.args.args))})" for f in functions}
    declared = [
        f"declare {given} @{name}({takes})"
        for name, (given, takes) in ((n, _signature(s)) for n, s in outside.items())
    ]
    return "\n".join([*declared, *(_Function(f, known, figures).text for f in functions)])


def _signature(text: str) -> tuple[str, str]:
    given, _, takes = text.rstrip(")").partition("(")
    return given, takes


class _Function:
    """One function, statement by statement. Names live in memory, which LLVM makes registers."""

    def __init__(self, f: ast.FunctionDef, known: dict[str, str], figures: Mapping[str, int]):
        self.known, self.figures = known, figures
        self.lines: list[str] = []
        self.numbers = count()
        given = [a.arg for a in f.args.args]
        stores = (n for n in ast.walk(f) if isinstance(n, ast.Name) and type(n.ctx) is ast.Store)
        self.names = dict.fromkeys([*given, *(n.id for n in stores)])
        self.lines += [f"%.{name} = alloca i64" for name in self.names]
        self.lines += [f"store i64 %in.{name}, ptr %.{name}" for name in given]
        self.body(f.body)
        self.lines += ["ret i64 0"]
        kind = "internal " if f.name.startswith("_") else ""
        takes = ", ".join(f"i64 %in.{name}" for name in given)
        inside = "\n".join(x if x.endswith(":") else f"  {x}" for x in self.lines)
        self.text = f"define {kind}i64 @{f.name}({takes}) {{\n{inside}\n}}"

    def put(self, text: str) -> str:
        """An instruction, and the name of its result."""
        name = f"%v{next(self.numbers)}"
        self.lines.append(f"{name} = {text}")
        return name

    def labels(self, *stems: str) -> list[str]:
        """Labels that are not taken."""
        k = next(self.numbers)
        return [f"{stem}{k}" for stem in stems]

    def begin(self, label: str, *after: str) -> None:
        """A new block, after what ends the one before."""
        self.lines += [*after, f"{label}:"]

    # Statements ---------------------------------------------------------------------------------

    def body(self, statements: list[ast.stmt]) -> None:
        """Statements in order."""
        for s in statements:
            make: Callable | None = getattr(self, f"do_{type(s).__name__}", None)
            if make is None:
                raise GraphError(f"the little language has no {type(s).__name__}, line {s.lineno}")
            make(s)

    def do_Expr(self, s: ast.Expr) -> None:
        if not isinstance(s.value, ast.Constant):  # a docstring
            self.value(s.value)

    def do_Assign(self, s: ast.Assign) -> None:
        value, place = self.value(s.value), s.targets[0]
        to = f"%.{place.id}" if isinstance(place, ast.Name) else self.place(place)
        self.lines.append(f"store i64 {value}, ptr {to}")

    def do_AugAssign(self, s: ast.AugAssign) -> None:
        assert isinstance(s.target, ast.Name)
        name = ast.Name(s.target.id, ast.Load())
        self.do_Assign(ast.Assign([s.target], ast.BinOp(name, s.op, s.value)))

    def do_Return(self, s: ast.Return) -> None:
        value = "0" if s.value is None else self.value(s.value)
        self.begin(*self.labels("after"), f"ret i64 {value}")

    def do_If(self, s: ast.If) -> None:
        yes, no, end = self.labels("yes", "no", "end")
        self.branch(s.test, yes, no)
        self.begin(yes)
        self.body(s.body)
        self.begin(no, f"br label %{end}")
        self.body(s.orelse)
        self.begin(end, f"br label %{end}")

    def do_While(self, s: ast.While) -> None:
        top, inside, end = self.labels("top", "inside", "end")
        self.begin(top, f"br label %{top}")
        self.branch(s.test, inside, end)
        self.begin(inside)
        self.body(s.body)
        self.begin(end, f"br label %{top}")

    def do_For(self, s: ast.For) -> None:
        """`for k in range(n)`; n is looked at once."""
        assert isinstance(s.iter, ast.Call)
        assert isinstance(s.target, ast.Name)
        k, stop = f"%.{s.target.id}", self.value(s.iter.args[0])
        top, inside, end = self.labels("top", "inside", "end")
        self.lines.append(f"store i64 0, ptr {k}")
        self.begin(top, f"br label %{top}")
        more = self.put(f"icmp ult i64 {self.put(f'load i64, ptr {k}')}, {stop}")
        self.begin(inside, f"br i1 {more}, label %{inside}, label %{end}")
        self.body(s.body)
        after = self.put(f"add i64 {self.put(f'load i64, ptr {k}')}, 1")
        self.begin(end, f"store i64 {after}, ptr {k}", f"br label %{top}")

    # Expressions --------------------------------------------------------------------------------

    def branch(self, test: ast.expr, yes: str, no: str) -> None:
        """Go to one label where a condition holds, and to the other where not."""
        if isinstance(test, ast.BoolOp):
            for part in test.values[:-1]:
                (onward,) = self.labels("and")
                both = isinstance(test.op, ast.And)
                self.branch(part, onward if both else yes, no if both else onward)
                self.begin(onward)
            self.branch(test.values[-1], yes, no)
        elif isinstance(test, ast.UnaryOp):
            self.branch(test.operand, no, yes)
        else:
            self.lines.append(f"br i1 {self.holds(test)}, label %{yes}, label %{no}")

    def holds(self, test: ast.expr) -> str:
        """A condition as a bit: a comparison, or a word that is not 0."""
        if not isinstance(test, ast.Compare):
            return self.put(f"icmp ne i64 {self.value(test)}, 0")
        a, b = self.value(test.left), self.value(test.comparators[0])
        return self.put(f"icmp {COMPARED[type(test.ops[0])]} i64 {a}, {b}")

    def value(self, e: ast.expr) -> str:
        """An expression as a word."""
        if isinstance(e, ast.Constant):
            return str(e.value)
        if isinstance(e, ast.Name):
            mine = e.id in self.names
            return self.put(f"load i64, ptr %.{e.id}") if mine else str(self.figures[e.id])
        if isinstance(e, ast.BinOp):
            a, b = self.value(e.left), self.value(e.right)
            return self.put(f"{OPERATIONS[type(e.op)]} i64 {a}, {b}")
        if isinstance(e, ast.Compare):
            return self.put(f"zext i1 {self.holds(e)} to i64")
        if isinstance(e, ast.Subscript):
            return self.put(f"load i64, ptr {self.place(e)}")
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name):
            return self.called(e.func.id, e.args)
        raise GraphError(f"the little language has no {type(e).__name__}, line {e.lineno}")

    def place(self, e: Any) -> str:
        """Where `p[k]` lies."""
        return self.at(e.value, e.slice)

    def at(self, p: ast.expr, k: ast.expr) -> str:
        begin = self.put(f"inttoptr i64 {self.value(p)} to ptr")
        return self.put(f"getelementptr i64, ptr {begin}, i64 {self.value(k)}")

    def called(self, name: str, given: list[ast.expr]) -> str:
        """A call: of the language's own functions, of an address, or by a signature."""
        if name == "half":
            return self.put(f"zext i32 {self.put(f'load i32, ptr {self.at(*given)}')} to i64")
        values = [self.value(x) for x in given]
        if name == "byte":
            begin = self.put(f"inttoptr i64 {values[0]} to ptr")
            return self.put(f"zext i8 {self.put(f'load i8, ptr {begin}')} to i64")
        if name == "room":
            return self.word("ptr", self.put(f"alloca i64, i64 {values[0]}, align 64"))
        if name == "call":
            function = self.put(f"inttoptr i64 {values[0]} to ptr")
            return self.put(f"call i64 {function}({', '.join(f'i64 {v}' for v in values[1:])})")
        result, takes = _signature(self.known[name])
        kinds = takes.split(", ") if takes else []
        handed = ", ".join(
            f"{kind} {self.put(INTO[kind].format(v)) if INTO[kind] else v}"
            for kind, v in zip(kinds, values, strict=True)
        )
        if result == "void":
            self.lines.append(f"call void @{name}({handed})")
            return "0"
        return self.word(result, self.put(f"call {result} @{name}({handed})"))

    def word(self, kind: str, value: str) -> str:
        """What a function gave, as a word."""
        return self.put(BACK[kind].format(value)) if BACK[kind] else value
