"""Networks as text, `64 relu dropout 0.2, 64 tanh`: a small grammar, and the layers it makes.

    network = group { "," group }          group = item { item }
    item    = size | activation [number] | "dropout" [share] | norm | "none"

Every size is a fully connected layer; the last one, to the outputs, is added.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import nn
from ..graph.errors import UsageError
from ..graph.spelling import counted, did_you_mean
from ..nn.activations import ACTIVATIONS
from ..study.formula import mistake
from .values import MOST

NORMS = {"batchnorm": nn.BatchNorm1d, "layernorm": nn.LayerNorm, "rmsnorm": nn.RMSNorm}
NUMBERED = ("dropout", "leaky_relu", "elu")  # words that a number may follow
WORDS = (*ACTIVATIONS, "dropout", *NORMS)
TOKEN = re.compile(r"[^\s,]+|,")


@dataclass(frozen=True)
class Part:
    """One thing in a network: `linear` with a size, or a word with a number if it has one."""

    word: str
    number: float | None = None


def parts(text: str) -> list[Part]:
    """What a network consists of, besides its last layer.

    Raises: ExpressionError with a caret under the mistake and the nearest right word.

    >>> [p.word for p in parts("64 relu dropout 0.2, 64 tanh")]
    ['linear', 'relu', 'dropout', 'linear', 'tanh']
    """
    tokens = [(m[0], m.start(), m.end()) for m in TOKEN.finditer(text)]
    words = [t for t, _, _ in tokens]
    if words in ([], ["none"], ["linear"]):
        return []
    found: list[Part] = []
    fresh = True  # after the start and after a comma: here a size may stand
    for k, (token, start, end) in enumerate(tokens):
        if token == ",":
            if fresh:
                raise mistake(text, start, end, "nothing stands before this comma", EXAMPLE)
            if k == len(tokens) - 1:
                raise mistake(text, start, end, "nothing stands after this comma", EXAMPLE)
            fresh = True
            continue
        if token[0].isdigit() or token[0] in "+-.":
            found = _with_number(found, text, token, start, end, fresh)
        else:
            found.append(_word(text, token, start, end))
        fresh = False
    return found


EXAMPLE = 'write layers such as "64 relu, 64 relu"'


def _word(text: str, token: str, start: int, end: int) -> Part:
    word = token.lower().replace("-", "_")
    if word in WORDS:
        return Part(word)
    advice = did_you_mean(token, WORDS, f"there are {', '.join(WORDS)}")
    raise mistake(text, start, end, f"{token!r} is no layer", advice)


def _with_number(
    found: list[Part], text: str, token: str, start: int, end: int, fresh: bool
) -> list[Part]:
    """A number is the size of a new layer, or belongs to the word before it."""
    if fresh:
        if token.isdigit() and 0 < int(token) <= MOST:
            return [*found, Part("linear", int(token))]
        advice = f"a size is a whole number from 1 to {MOST:,}"
        raise mistake(text, start, end, f"{token} is no size", advice)
    last = found[-1]
    if last.word in NUMBERED and last.number is None:
        return [*found[:-1], Part(last.word, _option(last.word, text, token, start, end))]
    raise mistake(
        text, start, end, f"{token} belongs to nothing",
        f"{last.word} takes no number; a new layer begins after a comma: 64 relu, 32 relu"
        if last.word != "linear" else "a new layer begins after a comma: 64 relu, 32 relu",
    )  # fmt: skip


def _option(word: str, text: str, token: str, start: int, end: int) -> float:
    try:
        number = float(token)
    except ValueError:
        raise mistake(text, start, end, f"{token!r} is no number") from None
    if word == "dropout" and not 0 <= number < 1:
        raise mistake(text, start, end, "a share that is dropped is 0 or more, below 1")
    return number


def network(text: str, shape: tuple[int, ...], outputs: int, seed: int) -> nn.Sequential:
    """The network that a text describes, for examples of this shape.

    >>> [type(one).__name__ for one in network("3 relu", (2,), 1, seed=0)]
    ['Linear', 'ReLU', 'Linear']
    """
    wide = 1
    for size in shape:
        wide *= size
    found: list[Any] = [nn.Flatten()] if len(shape) > 1 else []
    for part in parts(text):
        if part.word == "linear":
            found.append(nn.Linear(wide, int(part.number or 0)))
            wide = int(part.number or 0)
        else:
            found.append(_made(part, wide))
    return nn.Sequential(*found, nn.Linear(wide, outputs), seed=seed)


def _made(part: Part, wide: int) -> Any:
    if part.word in NORMS:
        return NORMS[part.word](wide)
    made: Callable[..., Any] = nn.Dropout if part.word == "dropout" else ACTIVATIONS[part.word]
    return made() if part.number is None else made(part.number)


def plain(hidden: tuple[int, ...], activation: str) -> str:
    """Layers of these sizes, each with the activation, as such a text.

    >>> plain((64, 32), "tanh"), plain((), "relu")
    ('64 tanh, 32 tanh', 'none')
    """
    if activation not in ACTIVATIONS:
        raise UsageError(f"{activation!r} is no activation of ours")
    return ", ".join(f"{size} {activation}" for size in hidden) or "none"


def told(model: Any) -> str:
    """A network in one line: its sizes, and how many parameters it has."""
    count = sum(p.size for p in model.parameters())
    layers = model.layers if isinstance(model, nn.Sequential) else ()
    linear = [one for one in layers if isinstance(one, nn.Linear)]
    if not linear:
        return f"{type(model).__name__}, {counted(count, 'parameter')}"
    wide = [linear[0].weight.shape[1], *(one.weight.shape[0] for one in linear)]
    others = [type(one).__name__ for one in layers if not isinstance(one, nn.Linear)]
    kinds = ", ".join(dict.fromkeys(others)) or "no activation"
    return f"{' → '.join(map(str, wide))}, {kinds}, {counted(count, 'parameter')}"
