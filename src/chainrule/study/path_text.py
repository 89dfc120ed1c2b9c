"""What the paths of a graph are: factors, products, what is shared; as text, Markdown and HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from ..graph.errors import ExpressionError, UsageError
from ..read.plain import plain
from ..read.symbols import symbol
from .numbers import MINUS, figure, short

MOST_SHARED = 3  # told beside a mere count
DIGITS = 7
GRADIENT = re.compile(r"\bG\b")  # in the rule of a matrix product, the upstream gradient


@dataclass(frozen=True, eq=False)
class Factor:
    """One edge of a path: the derivative of a node by one of its operands."""

    of: str
    by: str
    symbol: str  # ∂u2/∂u1
    formula: str  # what it is, by the names of the trace; of arrays the product it stands for
    shown: str  # the same as mathematics: 1 − u₂² for 1 - u2 ** 2
    value: Any  # the local gradient; None where it is no array to multiply by element by element


@dataclass(frozen=True, eq=False)
class Path:
    """One way from a leaf up to the loss; its factors are read from the loss down."""

    nodes: tuple[str, ...]  # leaf first, loss last
    operations: tuple[str, ...]  # what each node after the leaf computes
    factors: tuple[Factor, ...]  # loss first, leaf last
    product: Any  # what the path alone contributes to the gradient

    @property
    def leaf(self) -> str:
        """Where it starts."""
        return self.nodes[0]

    @property
    def symbols(self) -> str:
        """The chain rule along the path."""
        return " · ".join(f.symbol for f in self.factors) or "1"

    @property
    def formulas(self) -> str:
        """The same with every local gradient written out, as it would be typed."""
        return _multiplied([f.formula for f in self.factors])

    @property
    def numbers(self) -> str:
        """The same in numbers, or nothing where a factor is no number."""
        if any(f.value is None or np.size(f.value) != 1 for f in self.factors):
            return ""
        return " · ".join(_signed(f.value) for f in self.factors) or "1"


@dataclass(frozen=True)
class Shared:
    """A gradient that is a factor of several paths: backpropagation computes it once."""

    name: str  # the node; what is shared is the derivative of the loss by it
    symbol: str
    paths: int  # how many go on from here
    value: Any


@dataclass(frozen=True)
class Work:
    """Products of an upstream with a local gradient; the loss's own upstream 1 costs none."""

    expanded: int  # with every path multiplied out
    sweep: int  # in one backward sweep

    @property
    def saved(self) -> int:
        """How many products sharing saves."""
        return self.expanded - self.sweep


@dataclass(frozen=True, eq=False)
class Paths:
    """All paths from the leaves to the loss, or where there are too many, how many there are."""

    loss: str
    counts: dict[str, int]  # of each leaf, exactly
    listed: tuple[Path, ...] | None  # None where there are more than `limit`
    limit: int
    sums: dict[str, Any]  # of each leaf, the sum of its paths' products
    gradients: dict[str, Any]  # of each leaf, what the backward sweep finds
    shared: tuple[Shared, ...]  # most shared first
    work: Work

    @property
    def count(self) -> int:
        """The number of all paths."""
        return sum(self.counts.values())

    def __len__(self) -> int:
        return len(self.listed or ())

    def __iter__(self) -> Iterator[Path]:
        if self.listed is None:
            raise UsageError(
                f"paths: there are {self.count:,}, more than the {self.limit:,} that are written "
                f"out; cr.paths(loss, limit=...) lists more, .counts counts them"
            )
        return iter(self.listed)

    def __str__(self) -> str:
        return "\n".join(line for part in self._parts(_plain_path) for line in part)

    def __repr__(self) -> str:
        return f"Paths({self.count:,} from {', '.join(self.counts)} to {self.loss})"

    def markdown(self) -> str:
        """The same as Markdown: a numbered list for each leaf, and what is shared."""
        head, paths, tail = self._parts(_markdown_path)
        return "\n\n".join(part for part in ("\n\n".join(head), "\n".join(paths), _items(tail)))

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        head, paths, tail = self._parts(_html_path)
        told = "".join(f"<p>{escape(line.strip())}</p>" for line in head)
        ends = "".join(f"<li>{escape(line.strip())}</li>" for line in tail)
        listed = f"<ol>{''.join(paths)}</ol>" if self.listed is not None else ""
        return f'<div class="chainrule-paths">{told}{listed}<ul>{ends}</ul></div>'

    def _parts(self, write: Any) -> tuple[list[str], list[str], list[str]]:
        loss = letter(self.loss)
        head = [
            f"{_many(n, 'path')} from {letter(leaf)} to {loss}" for leaf, n in self.counts.items()
        ]
        paths: list[str] = []
        if self.listed is None:
            head.append(
                f"{self.count:,} paths are more than the {self.limit:,} that are written out; "
                "each would be a product of its own"
            )
        else:
            for k, p in enumerate(self.listed):
                paths += write(k + 1, p)
        tail = [
            f"sum over the paths of {letter(leaf)}: {_figures(total)}, and the backward sweep "
            f"finds {_figures(self.gradients[leaf])}"
            for leaf, total in self.sums.items()
        ]
        w = self.work
        tail.append(
            f"work: {_many(w.expanded, 'multiplication')} with every path written out, "
            f"{w.sweep:,} in one backward sweep"
        )
        tail += [
            f"shared: {derivative(self.loss, s.name)}"
            + (f" = {_figures(s.value)}" if s.value is not None else "")
            + f" stands in {s.paths:,} of them and is computed once"
            for s in self.shared[: MOST_SHARED if self.listed is None else None]
        ]
        return head, paths, tail


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _items(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _plain_path(k: int, p: Path) -> list[str]:
    margin = " " * (len(str(k)) + 4)
    lines = [f"  {k}. {_way(p)}"]
    lines += [f"{margin}{line}" for line in _told(p)]
    return lines


def _markdown_path(k: int, p: Path) -> list[str]:
    lines = [f"{k}. `{_way(p)}`  "]
    return lines + [f"   `{line}`  " for line in _told(p)]


def _html_path(k: int, p: Path) -> list[str]:
    told = "<br>".join(escape(line) for line in _told(p))
    return [f"<li><b>{escape(_way(p))}</b><br>{told}</li>"]


def _told(p: Path) -> list[str]:
    lines = [" · ".join(_symbol(f) for f in p.factors) or "1"]
    for line in (_multiplied([f.shown for f in p.factors]), p.numbers, _figures(p.product)):
        if line and line != lines[-1].removeprefix("= "):
            lines.append(f"= {line}")
    return lines


def _way(p: Path) -> str:
    return " → ".join(letter(n) for n in p.nodes)


def _symbol(f: Factor) -> str:
    _, _, side = f.symbol.partition(" ")
    return f"{derivative(f.of, f.by)} {side}".rstrip()


def derivative(of: str, by: str) -> str:
    """A derivative as it is written: ∂u₂/∂u₁."""
    return f"∂{letter(of)}/∂{letter(by)}"


def letter(name: str) -> str:
    """A name as mathematics writes it: u₁ for u1."""
    try:
        return plain(symbol(name))
    except ExpressionError:  # a label that is no symbol
        return name


def _figures(x: Any) -> str:
    return short(x, DIGITS).replace("-", MINUS)


def _multiplied(formulas: Iterable[str]) -> str:
    """The product of local gradients; a rule of matrices says where the rest of it goes."""
    formulas = list(formulas)
    if len(formulas) == 1 and not GRADIENT.search(formulas[0]):
        return formulas[0]
    made = ""
    for formula in formulas:
        if GRADIENT.search(formula):
            inside = _bracketed(made or "1")
            made = GRADIENT.sub(lambda _, x=inside: x, formula)
        else:
            made = f"{made} · {_bracketed(formula)}" if made else _bracketed(formula)
    return made or "1"


def _bracketed(formula: str) -> str:
    atom = formula.replace("_", "").replace(".", "").isalnum() or formula.endswith((")", "⟩"))
    return formula if atom and " " not in formula.split("(")[0] else f"({formula})"


def _signed(x: Any) -> str:
    found = figure(np.reshape(x, ())[()], DIGITS)
    return f"({found})" if found.startswith(MINUS) else found
