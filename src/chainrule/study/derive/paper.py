"""A derivation on paper: plain text, Markdown and LaTeX."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...read.plain import plain
from ...read.tex import unmarked
from ..numbers import short
from .numerals import DIGITS, is_exact, matrix_tex, number_tex
from .record import Derivation, Step

WIDTH = 96
WRITTEN = 16  # numbers of an array that text and HTML write out
LONG = 90  # characters of a reason that is not told twice
FITS = 12  # numbers of an array that LaTeX and Markdown write out


def said(d: Derivation) -> dict[Step, str]:
    """The reason of every step; one that was told before is only called to mind."""
    seen: set[str] = set()
    found: dict[Step, str] = {}
    for step in d.steps:
        told = step.reason
        if told in seen and len(told) > LONG:
            told = f"{told.partition(':')[0]}: as above."
        seen.add(step.reason)
        found[step] = told
    return found


def text_of(d: Derivation) -> str:
    """Everything as plain text, in lines of at most so many characters where words allow it."""
    parts, reasons = [d.title, "=" * len(d.title)], said(d)
    for k, s in enumerate(d.sections):
        parts += ["", f"{k + 1}. {s.title}", *_wrapped(s.words, "   ")]
        for step in s:
            parts += _text_of_step(step, reasons[step])
    return "\n".join(parts)


def _text_of_step(step: Step, reason: str) -> Iterator[str]:
    yield ""
    sides = [plain(x) for x in (*step.also, step.right) if x]
    numbers = _number_sides(step)
    sign = step.sign if sides or not numbers else numbers[0][0].strip()
    start = "     " + (f"{plain(step.left)} {sign} " if step.left else "= ")
    lines = _joined(start, [(" = ", x) for x in sides] + numbers)
    yield from lines
    for f in step.where:
        yield from _joined("       with ", [("", plain(f.line))])
    if step.shapes:
        yield f"       shapes: {step.shapes}"
    if reason:
        yield from _wrapped(reason, "       ")
    if step.note:
        yield from _wrapped(f"! {step.note}", "       ")


def _number_sides(step: Step) -> list[tuple[str, str]]:
    """The right sides in numbers, each with the sign before it."""
    said = plain(step.right) if step.right else ""
    numbers = plain(step.numbers) if step.numbers else said
    found = [(" = ", numbers)] if numbers != said else []
    if step.result is not None and _in_text(step.result) != numbers:
        found.append((sign_of(step.result), _in_text(step.result)))
    return found


def _in_text(result: Any) -> str:
    small = np.ndim(result) <= 2 and 0 < np.size(result) <= WRITTEN
    return plain(result_tex(result)) if small else short(result)


def sign_of(result: Any) -> str:
    """The sign before a result: =, or ≈ where it is written shorter than it is."""
    digits = DIGITS if np.ndim(result) == 0 else 5
    return " = " if np.size(result) > WRITTEN or is_exact(result, digits) else " ≈ "


def _joined(start: str, sides: list[tuple[str, str]]) -> Iterator[str]:
    """The sides of an equation on one line, or below each other where that is too long."""
    if not sides:
        yield start.rstrip(" =:")
        return
    line = start + sides[0][1]
    hang = " " * (len(start) - 2)
    for sign, side in sides[1:]:
        if len(line) + len(sign) + len(side) > WIDTH:
            yield line
            line = hang + sign.lstrip() + side
        else:
            line += sign + side
    yield line


def _wrapped(words: str, indent: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=indent)


# ------------------------------------------------------------------------------- LaTeX


def latex_of(d: Derivation) -> str:
    """Everything as LaTeX: paragraphs and aligned equations, for a document with amsmath."""
    parts, reasons = [rf"\section*{{{escaped(d.title)}}}"], said(d)
    for s in d.sections:
        parts += [rf"\subsection*{{{escaped(s.title)}}}", escaped(s.words)]
        parts += [_latex_of_step(step, reasons[step]) for step in s]
    return "\n\n".join(parts) + "\n"


def _latex_of_step(step: Step, reason: str) -> str:
    told = [
        ", ".join(f"with ${f.line}$" for f in step.where),
        f"Shapes: ${_shapes_tex(step.shapes)}$." if step.shapes else "",
        escaped(reason),
        rf"\emph{{{escaped(step.note)}}}" if step.note else "",
    ]
    words = " ".join(x for x in told if x)
    return f"\\[\n{_aligned(step)}\n\\]" + (f"\n{words}" if words else "")


def _aligned(step: Step) -> str:
    """The line as an aligned equation, a right side on each row."""
    sides = [("=", unmarked(x)) for x in (*step.also, step.right) if x]
    if sides:
        sides[0] = (step.sign, sides[0][1])
    if step.numbers:
        sides.append(("=", step.numbers))
    if step.result is not None and np.size(step.result) <= FITS and np.ndim(step.result) <= 2:
        exact = sign_of(step.result).strip() == "="
        result = ("=" if exact else r"\approx", result_tex(step.result))
        sides += [result] if result[1] != (sides[-1][1] if sides else "") else []
    rows = [rf"{sign} {side}" for sign, side in sides]
    body = " \\\\\n  & ".join(rows)
    return f"\\begin{{aligned}}\n  {unmarked(step.left)} & {body}\n\\end{{aligned}}"


def result_tex(result: Any) -> str:
    """Numbers as TeX."""
    x = np.asarray(result)
    return number_tex(x) if x.size == 1 and x.ndim == 0 else matrix_tex(x)


def _shapes_tex(shapes: str) -> str:
    return shapes.replace("×", r" \times ")


_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "×": r"$\times$", "ᵀ": r"$^{\top}$", "→": r"$\to$", "δ": r"$\delta$", "²": r"$^2$",
    "·": r"$\cdot$", "₁": "$_1$", "ₙ": "$_n$", "…": r"\ldots{}", "½": r"$\frac12$",
    "∂": r"$\partial$", "−": "$-$", "<": r"\textless{}", ">": r"\textgreater{}", "≤": r"$\le$",
}  # fmt: skip


def escaped(words: str) -> str:
    """Words as LaTeX, every character of a label a character."""
    return "".join(_ESCAPES.get(c, c) for c in words)


# ---------------------------------------------------------------------------- Markdown


def markdown_of(d: Derivation) -> str:
    """Everything as Markdown, formulas between double dollar signs."""
    parts, reasons = [f"# {_plain_words(d.title)}"], said(d)
    for s in d.sections:
        parts += [f"## {_plain_words(s.title)}", _plain_words(s.words)]
        parts += [x for step in s for x in _markdown_of_step(step, reasons[step])]
    return "\n\n".join(parts) + "\n"


def _markdown_of_step(step: Step, reason: str) -> Iterator[str]:
    yield f"$$\n{_without_tags(_aligned(step))}\n$$"
    told = [f"Shapes: {step.shapes}." if step.shapes else "", reason]
    words = ", ".join(f"with ${_without_tags(f.line)}$" for f in step.where)
    words = " ".join(x for x in (words, *(_plain_words(x) for x in told if x)) if x)
    if words:
        yield words
    if step.note:
        yield f"**{_plain_words(step.note)}**"


def _without_tags(tex: str) -> str:
    """Formulas in which nothing can be taken for HTML."""
    return tex.replace("<", r"\lt ").replace(">", r"\gt ")


def _plain_words(words: str) -> str:
    """Words whose characters mean nothing in Markdown or HTML."""
    words = re.sub(r"([\\`*_{}\[\]#$|])", r"\\\1", words)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
