"""A derivation as HTML: MathML, no script, nothing loaded; readable in light and in dark."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...read.mathml import mathml
from ..numbers import short
from .paper import WRITTEN, latex_of, markdown_of, result_tex, said, sign_of, text_of
from .record import Derivation, Section, Step

# The same inks as in the pictures: values green, gradients red, δ purple.
STYLE = """
.cr-derive { --ink: #1c1d1f; --soft: #5b5e63; --line: #dcd9d3; --card: #ffffff; --band: #f3f1ec;
  --value: #006b3c; --grad: #b0201a; --delta: #7a2f9e; --glow: #fff0c2; color: var(--ink);
  background: var(--card); font: 15px/1.45 "DejaVu Sans", Verdana, system-ui, sans-serif;
  max-width: 62rem; padding: 1rem 1.25rem; box-sizing: border-box; }
@media (prefers-color-scheme: dark) { .cr-derive { --ink: #eceae6; --soft: #b4b8be;
  --line: #353a41; --card: #1d2024; --band: #24282d; --value: #63d297; --grad: #ff9488;
  --delta: #d9a6f5; --glow: #463c14; } }
.cr-derive h2 { font-size: 1.25rem; margin: 0 0 .75rem; }
.cr-derive h3 { font-size: 1.02rem; margin: 1.6rem 0 .2rem; padding-top: .9rem;
  border-top: 1px solid var(--line); }
.cr-derive p { margin: .2rem 0 .6rem; color: var(--soft); }
.cr-derive .step { margin: .55rem 0 .8rem; padding-left: .2rem; }
.cr-derive .sides { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .55rem; }
.cr-derive .side { display: inline-flex; align-items: center; max-width: 100%;
  overflow-x: auto; overflow-y: hidden; padding: .1rem 0; }
.cr-derive .sign { margin-right: .55rem; }
.cr-derive math { font-size: 1.08em; math-style: normal; }
.cr-derive .result { color: var(--value); font-variant-numeric: tabular-nums; }
.cr-derive .backward .result { color: var(--grad); }
.cr-derive .delta .result { color: var(--delta); }
.cr-derive .why { font-size: .87em; color: var(--soft); margin: .15rem 0 0; max-width: 54rem; }
.cr-derive .shapes { font-size: .87em; color: var(--soft); font-variant-numeric: tabular-nums; }
.cr-derive .warn { font-size: .9em; background: var(--glow); padding: .25rem .5rem;
  border-left: 3px solid var(--grad); margin: .3rem 0 0; max-width: 54rem; color: var(--ink); }
.cr-derive table { border-collapse: collapse; margin: .4rem 0; width: 100%; }
.cr-derive th { text-align: left; font-weight: 600; font-size: .87em; color: var(--soft);
  padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); }
.cr-derive td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line);
  vertical-align: middle; }
.cr-derive td.why { max-width: 24rem; vertical-align: middle; }
.cr-derive .step.final { background: var(--band); padding: .7rem .8rem; border-radius: 4px; }
"""
BACKWARD = ("local gradients", "running products", "back-substitution", "simplification",
            "chain rule")  # fmt: skip


def html_of(d: Derivation) -> str:
    """The whole derivation as one element with its own style."""
    reasons = said(d)
    body = "".join(_section(s, k + 1, reasons) for k, s in enumerate(d.sections))
    return (
        f'<div class="cr-derive"><style>{STYLE}</style><h2>{escape(d.title)}</h2>{body}</div>'
    )  # fmt: skip


def _section(s: Section, number: int, reasons: dict[Step, str]) -> str:
    kind = "delta" if s.name == "delta" else "backward" if s.name in BACKWARD else "forward"
    table = s.name == "local gradients"
    body = _table(s, reasons) if table else "".join(_step(x, reasons[x]) for x in s)
    return (
        f'<section class="{kind}"><h3>{number}. {escape(s.title)}</h3><p>{escape(s.words)}</p>'
        f"{body}</section>"
    )


def _step(step: Step, reason: str) -> str:
    sides = [_math(x) for x in (*step.also, step.right) if x]
    signs = [step.sign, *("=" for _ in sides)]
    parts = [f'<span class="side">{_math(step.left)}</span>' if step.left else ""]
    parts += [_side(sign, x) for sign, x in zip(signs, sides, strict=False)]
    parts += [_side(sign, x) for sign, x in _numbers(step)]
    final = " final" if step.rule == "simplify" else ""
    line = f'<div class="sides">{"".join(parts)}</div>'
    return f'<div class="step{final}">{line}{_words(step, reason)}</div>'


def _side(sign: str, inside: str) -> str:
    return f'<span class="side"><span class="sign">{sign}</span>{inside}</span>'


def _words(step: Step, reason: str) -> str:
    found = "".join(f'<div class="why">with {_math(f.line)}</div>' for f in step.where)
    if step.shapes:
        found += f'<div class="shapes">shapes: {escape(step.shapes)}</div>'
    if reason:
        found += f'<div class="why">{escape(reason)}</div>'
    if step.note:
        found += f'<div class="warn" role="note">{escape(step.note)}</div>'
    return found


def _numbers(step: Step) -> list[tuple[str, str]]:
    numbers = step.numbers or step.right
    found = [("=", _math(numbers))] if numbers != step.right else []
    if step.result is not None and _tex_of(step.result) != numbers:
        found.append((sign_of(step.result).strip(), _result(step.result)))
    return found


def _tex_of(result: Any) -> str:
    small = result is not None and 0 < np.size(result) <= WRITTEN and np.ndim(result) <= 2
    return result_tex(result) if small else ""


def _result(result: Any) -> str:
    tex = _tex_of(result)
    inside = mathml(tex) if tex else escape(short(result))
    return f'<span class="result">{inside}</span>'


def _table(s: Section, reasons: dict[Step, str]) -> str:
    rows = "".join(
        f"<tr><td>{_math(step.left)}</td>"
        f"<td>{' = '.join(_math(x) for x in (*step.also, step.right) if x)}</td>"
        f"<td>{_in_cells(step)}</td>"
        f'<td class="why">{_words(step, reasons[step])}</td></tr>'
        for step in s
    )
    head = "".join(f"<th>{x}</th>" for x in ("factor", "formula", "numbers", "why"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _in_cells(step: Step) -> str:
    """The numbers without the sign that the column stands for."""
    text = "".join(f" {sign} {x}" for sign, x in _numbers(step))
    return text.removeprefix(" = ").removeprefix(" ≈ ")


def _math(tex: str) -> str:
    return mathml(tex)


SUFFIXES = {".html": html_of, ".tex": latex_of, ".md": markdown_of, ".txt": text_of}


def save(d: Derivation, path: str) -> None:
    """Write a derivation to a file, in the format that its name asks for."""
    to = Path(path)
    if to.suffix not in SUFFIXES:
        raise UsageError(
            f"save: {to.name!r} says no format; end it in one of {', '.join(SUFFIXES)}"
        )
    text = SUFFIXES[to.suffix](d)
    if to.suffix == ".html":
        text = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{escape(d.title)}</title></head><body>{text}</body></html>"
        )
    to.write_text(text, encoding="utf-8")
