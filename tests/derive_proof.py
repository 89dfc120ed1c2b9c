"""Read a derivation as its reader does: every displayed line is computed from its own text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from formula_value import Unreadable, index_value, matrix_value, scalar_value

from chainrule.read.tex import unmarked

PARTIAL = re.compile(r"\\frac\{\\partial (?P<of>.+?)\}\{\\partial (?P<by>.+?)\}(?=$| |\\|\))")


def value(tex: str, values: dict, form: str, axes: dict) -> np.ndarray:
    """What a formula is worth, in the notation of the derivation's form."""
    tex = unmarked(tex)
    if form == "scalar":
        return np.asarray(scalar_value(tex, values))
    if form == "index":
        return np.asarray(index_value(tex, values, free=dict(axes)))
    return np.asarray(matrix_value(tex, values))


def agrees(found: Any, result: Any, rel: float = 1e-9) -> bool:
    """Whether two arrays hold the same numbers; columns and rows of one axis count as that axis."""
    rel = max(rel, 2e-5) if np.asarray(result).dtype == np.float32 else rel
    found, result = np.asarray(found, float), np.asarray(result, float)
    if found.size == 1:
        found = np.broadcast_to(found.reshape(()), result.shape)
    if found.size != result.size:
        return False
    scale = max(1.0, float(np.max(np.abs(result), initial=0.0)))
    return np.allclose(found.reshape(-1), result.reshape(-1), rtol=rel, atol=rel * scale,
                       equal_nan=True)  # fmt: skip


def is_of_derivatives(tex: str) -> bool:
    return r"\partial" in tex or r"\mapsto" in tex


def claims(derivation: Any) -> list[tuple[Any, str, Any]]:
    """Every formula on the page that says what a number is: (step, TeX, the number)."""
    found = []
    for section in derivation.sections:
        before: Any = None
        for step in section:
            before = step.result if step.left else before
            if "Kept closed" in step.note:
                continue
            sides = [x for x in (*step.also, step.right) if x and not is_of_derivatives(x)]
            found += [(step, x, before) for x in sides if before is not None]
    return found


def known(derivation: Any) -> dict[str, Any]:
    """The numbers of all symbols: given ones, and those the derivation itself defines."""
    values = dict(derivation.symbols)
    for step in derivation.steps:
        if step.symbol and step.symbol not in values:
            values[step.symbol] = step.result
            if step.result is None:  # a part that is read as a whole: worth what its line says
                worth = value(step.right, values, derivation.form, step.axes)
                values[step.symbol] = worth
    return values


def definitions(step: Any, values: dict, form: str) -> dict[str, Any]:
    """What the right side of a step names, from its own text."""
    found: dict[str, Any] = {}
    for f in step.where:
        axes = dict(zip(f.indices, [n for n in f.shape if n != 1], strict=True))
        found[f.name] = value(f.tex, values | found, form, axes).reshape(f.shape)
    return found


def wrong(derivation: Any) -> list[str]:
    """The lines whose formula is not worth what stands beside it."""
    values = known(derivation)
    bad = []
    for step, tex, result in claims(derivation):
        try:
            inside = values | definitions(step, values, derivation.form)
            found = value(tex, inside, derivation.form, step.axes)
        except Unreadable as error:
            bad.append(f"{step.rule}: {tex} cannot be read: {error}")
            continue
        if not agrees(found, result):
            bad.append(f"{step.rule}: {step.left} = {tex}\n  is worth {found}, not {result}")
    return bad


def wrong_numbers(derivation: Any) -> list[str]:
    """The lines whose numbers, put in, do not come to the result, to the digits written."""
    bad = []
    for step in derivation.steps:
        if step.numbers and step.result is not None:
            form = "matrix" if derivation.form == "matrix" else "scalar"
            tex, given = with_symbols(step.numbers)
            found = value(tex, dict(derivation.symbols) | given, form, {})
            if not agrees(found, step.result, 2e-2 if form == "matrix" else 1e-4):
                bad.append(f"{step.left} = {step.numbers} is worth {found}, not {step.result}")
    return bad


def with_symbols(tex: str) -> tuple[str, dict[str, np.ndarray]]:
    """A formula with its matrices of numbers read off, and a symbol in the place of each."""
    given: dict[str, np.ndarray] = {}

    def read(found: re.Match) -> str:
        rows = [[scalar_value(x, {}) for x in row.split("&")] for row in found[1].split(r"\\")]
        name = f"M_{{{len(given) + 1}}}"
        given[name] = np.asarray(rows)
        return name

    return re.sub(r"\\begin\{bmatrix\}(.*?)\\end\{bmatrix\}", read, tex), given


def wrong_products(derivation: Any) -> list[str]:
    """The products of derivatives (single numbers) that are not worth what they should be."""
    table = {unmarked(s.left): s.result for s in derivation.section("local gradients")}
    names = {tex: f"d_{{{k}}}" for k, tex in enumerate(table)}
    loss = derivation.symbols
    bad = []
    for name in ("chain rule", "running products"):
        for step in derivation.section(name):
            for side in (*step.also, step.right):
                tex = unmarked(side)
                if r"\partial" not in tex or step.result is None:
                    continue
                for d, symbol in names.items():
                    tex = tex.replace(d, symbol)
                if r"\partial" in tex:  # of the loss by a value: that gradient's own number
                    tex = _by_gradients(tex)
                values = loss | {names[d]: v for d, v in table.items()}
                if not agrees(scalar_value(tex, values), step.result):
                    bad.append(f"{step.left} = {side}")
    return bad


def _by_gradients(tex: str) -> str:
    def symbol(found: re.Match) -> str:
        by = found["by"]
        return rf"{{{by}}}_{{g}}" if "_" in by else rf"{by}_{{g}}"

    return PARTIAL.sub(symbol, tex)
