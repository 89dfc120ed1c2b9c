"""The grammar of typed formulas: what each part of Python's syntax tree means, as a whitelist."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ... import ops
from ...eager.tensor import Tensor
from ...graph.errors import ChainruleError, ExpressionError
from ...graph.operators import FUNCTIONS
from ...graph.spelling import did_you_mean
from .functions import CONSTANTS, FUNCTION_NAMES, arguments, as_operand
from .mistake import mistake

BINARY = {
    ast.Add: ("+", "add"), ast.Sub: ("-", "subtract"), ast.Mult: ("*", "multiply"),
    ast.Div: ("/", "divide"), ast.FloorDiv: ("//", "floor_divide"), ast.Mod: ("%", "remainder"),
    ast.Pow: ("**", "pow"), ast.MatMult: ("@", "matmul"),
}  # fmt: skip
COMPARE = {
    ast.Lt: ("<", "less"), ast.LtE: ("<=", "less_equal"), ast.Gt: (">", "greater"),
    ast.GtE: (">=", "greater_equal"), ast.Eq: ("==", "equal"), ast.NotEq: ("!=", "not_equal"),
}  # fmt: skip
UNARY = {ast.USub: "negative", ast.UAdd: "positive"}
INSTEAD = {
    ast.BitXor: "write ** for a power",
    ast.BoolOp: "write logical_and(a, b) or logical_or(a, b)",
    ast.Not: "write logical_not(a)",
    ast.IfExp: "write where(condition, a, b)",
    ast.Attribute: "write the function with the value in brackets: sum(x); only .T is known",
    ast.NamedExpr: "give values after the expression: x=2",
    ast.Lambda: "write the formula itself",
}


class Reader:
    """One walk over the tree of an expression, computing as it goes."""

    def __init__(self, text: str, values: Mapping[str, Any]):
        self.text, self.values = text, values
        self.bytes = text.encode()

    def read(self, node: ast.AST) -> Any:
        """The value of one part of the expression."""
        rule = getattr(self, f"read_{type(node).__name__.lower()}", None)
        if rule is None:
            raise self.wrong(node, "this is not part of the language", INSTEAD.get(type(node), ""))
        return rule(node)

    def span(self, node: Any) -> tuple[int, int]:
        """The characters a part stands on; Python counts bytes."""
        ends = (node.col_offset, node.end_col_offset)
        start, end = (len(self.bytes[:k].decode(errors="ignore")) for k in ends)
        return start, end

    def wrong(self, node: Any, what: str, advice: str = "") -> ExpressionError:
        """The error with carets under this part."""
        return mistake(self.text, *self.span(node), what, advice)

    def apply(self, span: tuple[int, int], f: Callable, *args: Any, **kwargs: Any) -> Any:
        """`f` of these; what it complains about is shown at `span`."""
        try:
            return f(*args, **kwargs)
        except ExpressionError:
            raise
        except ChainruleError as error:
            what = str(error).split("\n  made at")[0]
        except MemoryError:
            what = "the value does not fit into memory"
        except (TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
            what = str(error).replace("<lambda>", "this")
        raise mistake(self.text, *span, what)

    def read_constant(self, node: ast.Constant) -> Any:
        if type(node.value) in (int, float, bool):
            return node.value
        if isinstance(node.value, (str, type(None))):
            raise self.wrong(node, "only numbers can be computed with")
        raise self.wrong(node, f"{type(node.value).__name__} numbers are not known here")

    def read_name(self, node: ast.Name) -> Any:
        if node.id in self.values:
            return self.values[node.id]
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        if node.id in FUNCTION_NAMES:
            raise self.wrong(node, f"{node.id} is a function", f"write {node.id}(...)")
        otherwise = f"give it one after the expression: {node.id}=1"
        advice = did_you_mean(node.id, self.values, otherwise) if len(node.id) > 2 else otherwise
        raise self.wrong(node, f"{node.id} has no value", advice)

    def read_binop(self, node: ast.BinOp) -> Any:
        if type(node.op) not in BINARY:
            raise mistake(
                self.text, *self.between(node.left, node.right), "this operator is not known",
                INSTEAD.get(type(node.op), ""),
            )  # fmt: skip
        symbol, name = BINARY[type(node.op)]
        a, b = self.read(node.left), self.read(node.right)
        at = self.between(node.left, node.right, symbol)
        return self.apply(at, FUNCTIONS[name], *self.operands(at, a, b))

    def operands(self, at: tuple[int, int], *xs: Any) -> list:
        """Operands of one op: at least one of them a tensor, so that the step is remembered."""
        if any(isinstance(x, tuple) for x in xs):
            raise mistake(self.text, *at, "an operand has several values", "pick one: f(x)[0]")
        made = [self.apply(at, as_operand, x) if isinstance(x, list) else x for x in xs]
        if not any(isinstance(x, Tensor) for x in made):
            made[0] = self.apply(at, as_operand, float(made[0]))
        return made

    def between(self, left: ast.AST, right: ast.AST, symbol: str = "") -> tuple[int, int]:
        """Where the operator between two parts stands."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = self.text[start:end]
        at = gap.find(symbol) if symbol else len(gap) - len(gap.lstrip(" )"))
        return start + max(at, 0), start + max(at, 0) + max(len(symbol), 1)

    def read_unaryop(self, node: ast.UnaryOp) -> Any:
        if type(node.op) not in UNARY:
            advice = INSTEAD.get(type(node.op), "write 1 - a, or logical_not(a)")
            raise self.wrong(node, "this operator is not known", advice)
        x = self.read(node.operand)
        if type(x) in (int, float, bool):
            return -x if isinstance(node.op, ast.USub) else x
        start = self.span(node)[0]
        at = (start, start + 1)
        return self.apply(at, FUNCTIONS[UNARY[type(node.op)]], *self.operands(at, x))

    def read_compare(self, node: ast.Compare) -> Any:
        if len(node.comparators) > 1:
            raise self.wrong(node, "a chain of comparisons", "write (a < b) * (b < c)")
        left, right = node.left, node.comparators[0]
        found = COMPARE.get(type(node.ops[0]))
        if found is None:
            raise mistake(self.text, *self.between(left, right), "this comparison is not known")
        at = self.between(left, right, found[0])
        xs = [self.read(left), self.read(right)]
        return self.apply(at, FUNCTIONS[found[1]], *self.operands(at, *xs))

    def read_list(self, node: ast.List | ast.Tuple) -> Any:
        items = [self.read(x) for x in node.elts]
        if not any(isinstance(x, Tensor) for x in items):
            return items
        stacked = [x if isinstance(x, Tensor) else as_operand(x) for x in items]
        return self.apply(self.span(node), ops.stack, stacked)

    def read_attribute(self, node: ast.Attribute) -> Any:
        if node.attr not in ("T", "mT"):
            raise self.wrong(node, f".{node.attr} is not known", INSTEAD[ast.Attribute])
        x = self.read(node.value)
        f = ops.transpose if node.attr == "T" else ops.matrix_transpose
        return self.apply(self.span(node), f, as_operand(x))

    def read_subscript(self, node: ast.Subscript) -> Any:
        x, key = self.read(node.value), self.key(node.slice)
        at = (self.span(node.value)[1], self.span(node)[1])
        if isinstance(x, tuple):
            if type(key) is not int:
                raise mistake(self.text, *at, "one of several values is picked by a number: [0]")
            return self.apply(at, x.__getitem__, key)
        return self.apply(at, ops.getitem, self.apply(at, as_operand, x), key)

    def key(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            return tuple(self.key(k) for k in node.elts)
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if k is None else self.whole(k) for k in ends))
        if isinstance(node, ast.Constant) and node.value in (None, ...):
            return node.value
        found = self.read(node)
        if isinstance(found, list):
            return self.apply(self.span(node), np.asarray, found)
        if isinstance(found, Tensor) and found.dtype.kind in "biu":
            return found._value
        return self.whole(node, found)

    def whole(self, node: ast.expr, found: Any = None) -> int:
        found = self.read(node) if found is None else found
        if type(found) is not int:
            raise self.wrong(node, "an index is a whole number", "for example x[0] or x[1:3]")
        return found

    def read_call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name):
            raise self.wrong(node.func, "only functions can be called, by their name")
        name = node.func.id
        if name not in FUNCTION_NAMES:
            if name in self.values or name in CONSTANTS:
                advice = f"write {name}*(...) for a product"
                raise self.wrong(node.func, f"{name} is a value, not a function", advice)
            some = "functions are those of chainrule: exp, log, sin, tanh, sum, mean and so on"
            advice = did_you_mean(name, FUNCTION_NAMES, some)
            raise self.wrong(node.func, f"there is no function {name}", advice)
        positional = [self.argument(a) for a in node.args]
        named = {k.arg: self.argument(k.value) for k in node.keywords if k.arg}
        if len(named) < len(node.keywords):
            raise self.wrong(node, "** is not part of the language")
        at = self.span(node.func)
        args, kwargs = self.apply(at, arguments, name, positional, named)
        return self.apply(at, FUNCTIONS[name], *args, **kwargs)

    def argument(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, type(None))):
            return node.value  # einsum("ij,jk", ...), axis=None
        if isinstance(node, ast.Tuple):
            return tuple(self.argument(x) for x in node.elts)
        if isinstance(node, ast.List):
            return [self.argument(x) for x in node.elts]
        return self.read(node)
