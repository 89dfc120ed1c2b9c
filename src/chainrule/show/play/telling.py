"""What happens at one node, in words with its numbers: the captions of an animation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import ExpressionError
from ...read.latex import symbol
from ...read.plain import plain
from ...study.numbers import MINUS, minus
from ...study.numbers import figure as number
from ...study.steps import Step
from ...study.wording import operation
from ..graph.figures import figure
from ..graph.signs import letter

LONGEST = 120  # characters of a value in a caption
FEW = 4  # operands that are told one by one


def value(x: Any, digits: int = 4) -> str:
    """A value in a caption: its elements where they are few, otherwise shape and range.

    >>> value(np.float64(-0.26894142)), value(np.array([1.0, 2.0]))
    ('−0.2689', '[1, 2]')
    >>> value(np.linspace(-1.0, 1.0, 12).reshape(3, 4))
    '3 × 4, −1 … 1'
    """
    told = figure(x, digits)
    if len(told) > 1 and told[0].startswith("["):
        return f"[{', '.join(told)}]"
    return ", ".join(told)


def factor(x: Any, digits: int = 4) -> str:
    """A value as a factor or a term: brackets round what is negative."""
    told = value(x, digits)
    several = ", " in told and not told.startswith("[")
    return f"({told})" if several or told.startswith(MINUS) else told


def single(x: Any) -> bool:
    """Whether it is one number."""
    return not isinstance(x, (tuple, list)) and np.ndim(x) == 0


def formula(op: Any, operands: Sequence[str]) -> str:
    """An operation as mathematics on one line; `operands` are names or numbers.

    >>> import chainrule as cr
    >>> formula(cr.multiply, ["w1", "−2"]), formula(cr.square, ["x"])
    ('w₁ · (−2)', 'x²')
    """
    template = getattr(op, "latex", "")
    used = {int(k) for k in re.findall(r"#([0-9])", template)}
    plain_words = operation(op, [letter(x) for x in operands])
    if not template or max(used, default=0) < len(operands):
        return plain_words
    takes = op.takes + (0,) * len(operands)

    def operand(found: re.Match) -> str:
        k = int(found[1]) - 1
        # A minus at the very left needs no brackets in a sum or a product.
        return _tex(operands[k], 1 if k == 0 and takes[0] in (1, 2) else takes[k], k == 0)

    try:
        told = plain(re.sub(r"#([0-9])", operand, template))
    except ExpressionError:  # a name that our TeX has no word for
        return plain_words
    return told.replace("σ (", "σ(")


def _tex(x: str, least: int, leading: bool) -> str:
    found = re.fullmatch(rf"({MINUS}?)([0-9.]+)(?:e({MINUS}?[0-9]+))?", x)
    if found is None:
        return symbol(x)
    sign, digits, power = (part and part.replace(MINUS, "-") for part in found.groups())
    body = digits if power is None else rf"{digits} \cdot 10^{{{power}}}"
    binds = 1 if sign else 4 if power is None else 2
    bare = binds >= least and (leading or not sign or not least)
    return sign + body if bare else rf"\left({sign}{body}\right)"


def forward(step: Step, node: Any, values: Sequence[Any], names: Sequence[str], digits: int) -> str:
    """How a value was computed, with the numbers put in.

    `values` and `names` are those of the operands; a constant's name is its number.
    """
    name, made = letter(step.name), value(step.value, digits)
    if isinstance(step.value, (tuple, list)):
        return f"{name} = {formula(node.op, names)}."
    parts = [name, formula(node.op, names)]
    if all(single(v) for v in values) and values:
        put_in = formula(node.op, [number(v, digits) for v in values])
        if put_in not in parts:
            parts.append(put_in)
    if single(step.value) or made.startswith("["):
        return " = ".join([*parts, made] if made != parts[-1] else parts) + "."
    return f"{' = '.join(parts)}: {made}."


def arrives(step: Step, ways: Sequence[Any], digits: int) -> str:
    """What arrives at a node in the backward pass, and what the node makes of it."""
    words = minus(step.words).removesuffix(".")
    gate = f" It {words}." if words else ""
    return f"{letter(step.name)} receives {value(step.upstream, digits)}.{gate}"


def locals_of(ways: Sequence[Any], digits: int) -> str:
    """The local gradients by these operands; nothing where a rule is no product."""
    there = [o for o in ways if o.local is not None]
    if not there or len(there) > FEW:
        return ""
    if len(there) == 1:
        return f" Local gradient: {value(there[0].local, digits)}."
    told = ", ".join(f"{value(o.local, digits)} for {letter(o.name)}" for o in there)
    return f" Local gradients: {told}."


def copies(step: Step, ways: Sequence[Any]) -> bool:
    """Whether the upstream gradient goes down as it is."""
    return bool(ways) and all(
        o.local is not None and np.shape(o.downstream) == np.shape(step.upstream)
        and np.array_equal(o.downstream, step.upstream) for o in ways
    )  # fmt: skip


def copied(ways: Sequence[Any], digits: int) -> str:
    """Who receives a copy."""
    each = " each" if len(ways) > 1 else ""
    verb = "receive" if len(ways) > 1 else "receives"
    names = listed([letter(o.name) for o in ways], FEW)
    return f" So {names} {verb} {value(ways[0].downstream, digits)}{each}."


def goes_down(step: Step, ways: Sequence[Any], digits: int) -> str:
    """What a node sends down to its operands: upstream times local."""
    if len(ways) > FEW:
        return f"{letter(step.name)} sends a gradient to each of its {len(ways)} operands."
    return "; ".join(_way(step, o, digits) for o in ways) + "."


def _way(step: Step, o: Any, digits: int) -> str:
    to, down = letter(o.name), value(o.downstream, digits)
    if o.local is not None and single(step.upstream) and single(o.local):
        product = f"{factor(step.upstream, digits)} · {factor(o.local, digits)}"
        return f"to {to} goes upstream × local = {product} = {down}"
    if o.local is not None and np.shape(o.downstream) == np.shape(step.upstream):
        return f"to {to} goes upstream × local, element by element: {down}"
    if o.local is not None and np.size(o.downstream) < np.size(step.upstream):
        return f"to {to} goes upstream × local, summed over its copies: {down}"
    rule = f"{_rule(o.words)} = " if "G" in o.words and len(o.words) < 40 else ""
    return f"to {to} goes {rule}{down}"


def _rule(words: str) -> str:
    """A rule for matrices as mathematics.

    >>> _rule("G @ w2.T"), _rule("l1.T @ G")
    ('G w₂ᵀ', 'l₁ᵀ G')
    """
    parts = words.split(" @ ")
    return " ".join(f"{letter(p.removesuffix('.T'))}{'ᵀ' if p.endswith('.T') else ''}"
                    for p in parts)  # fmt: skip


def meets(step: Step, digits: int) -> str:
    """The sum where several gradients arrive."""
    name, total = letter(step.name), value(step.upstream, digits)
    who = [letter(n) for n, _ in step.parts]
    told = f"{name} is used {_times(len(who))}, so its gradients add up"
    if all(single(g) for _, g in step.parts) and len(who) <= FEW:
        return f"{told}: {' + '.join(factor(g, digits) for _, g in step.parts)} = {total}."
    return f"{told}: from {listed(who)}, in all {total}."


def _times(n: int) -> str:
    return {2: "twice"}.get(n, f"{n} times")


def listed(words: Sequence[str], most: int = 5) -> str:
    """Words as a list with commas, of many only the first.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
