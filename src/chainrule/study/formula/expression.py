"""Typed formulas: a small grammar over Python's syntax, as a whitelist; nothing is ever executed.

Numbers, names, `+ - * / // % ** @`, comparisons, brackets, calls of chainrule's functions by
name, matrices in brackets, indexing, `.T`, `pi` and `e`. Everything else is a mistake, and the
message points at it.
"""

from __future__ import annotations

import ast
import keyword
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...eager.namespace import tensor
from ...eager.tensor import Tensor
from ...graph.errors import ExpressionError, UsageError
from .functions import as_operand
from .grammar import Reader
from .mistake import mistake

SYNTAX = (
    ("invalid decimal literal", "between a number and a name write *: 2*x"),
    ("invalid syntax. Maybe you meant '=='", "give values after the expression: x=2"),
    ("was never closed", "every bracket needs its partner"),
    ("unmatched", "every bracket needs its partner"),
)


def one_line(text: str) -> str:
    """The expression as it is read and shown: line breaks and tabs count as spaces."""
    return "".join(" " if c.isspace() else c for c in text).strip()


def parse(text: str) -> ast.expr:
    """The tree of an expression; raises ExpressionError where it is not one.

    >>> type(parse("(x + y) * z")).__name__
    'BinOp'
    """
    if not text.strip():
        raise ExpressionError('there is no expression; write one in quotes: "(x + y) * z"')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own advice about odd literals
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise _unreadable(text, error) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply to be read") from None
    except ValueError as error:  # a null character, a number of more than 4300 digits
        raise ExpressionError(f"the expression cannot be read: {error}") from None


def _unreadable(text: str, error: SyntaxError) -> ExpressionError:
    start = (error.offset or 1) - 1
    end = (error.end_offset or start + 2) - 1
    message = str(error.msg)
    advice = next((a for begins, a in SYNTAX if begins in message), "")
    if not error.offset or start >= len(text.rstrip()):
        return mistake(text, len(text.rstrip()), 0, "the expression ends too early", advice)
    return mistake(text, start, end, "this cannot be read: " + message.split(".")[0], advice)


def names_in(text: str) -> list[str]:
    """The variables of an expression, in the order in which they appear.

    >>> names_in("sin(y) * x + pi")
    ['y', 'x', 'pi']
    """
    tree = parse(one_line(text))
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
    return list(dict.fromkeys(n.id for n in sorted(found, key=lambda n: n.col_offset)))


def evaluate(text: str, values: Mapping[str, Any], reader: type[Reader] = Reader) -> Any:
    """The value of an expression: a tensor that remembers every step.

    `reader` is the grammar: this language, or one of its dialects.

    Raises: ExpressionError, with a caret under the mistake.

    >>> import chainrule as cr
    >>> x = cr.tensor(3.0, name="x")
    >>> y = evaluate("x ** 2 + 1", {"x": x})
    >>> y.backward()
    >>> y.item(), float(x.grad)
    (10.0, 6.0)
    """
    text = one_line(text)
    tree = parse(text)
    try:
        with np.errstate(all="ignore"):
            made = reader(text, values).read(tree)
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply to be read") from None
    if isinstance(made, (Tensor, tuple)):
        return made
    try:
        return as_operand(made)
    except UsageError as error:
        raise mistake(text, 0, len(text), str(error)) from None


def assignment(text: str) -> tuple[str, Tensor]:
    """A value typed as name=number or name=[[...]].

    >>> assignment("A=[[1, 2], [3, 4]]")[1].shape
    (2, 2)
    """
    name, equals, given = text.partition("=")
    typed, name = name, name.strip()
    if not equals or not given.strip():
        raise mistake(text, len(text), 0, "a value is written name=number", "for example x=2")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise mistake(text, 0, len(typed), "this is not a name", "for example x=2")
    before = len(text) - len(given.lstrip())
    try:
        made = evaluate(given, {})
    except ExpressionError as error:
        raise _moved(error, text, before) from None
    if isinstance(made, tuple) or made.dtype.kind not in "biuf":
        raise mistake(text, before, len(text), f"{name} is not one array of numbers")
    return name, tensor(made._value.astype(np.float64), name=name)


def _moved(error: ExpressionError, text: str, by: int) -> ExpressionError:
    lines = str(error).split("\n")
    if len(lines) > 2:
        lines[1], lines[2] = f"  {text}", "  " + " " * by + lines[2][2:]
    return ExpressionError("\n".join(lines))
