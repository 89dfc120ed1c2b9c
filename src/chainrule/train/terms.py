"""The terms of a training: what must be the same when it is taken up again."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from .batches import Examples
from .data.fingerprint import Fingerprint, digest_of, fingerprint

Terms = dict[str, str]  # each under the name by which it is told, in words

OPTIMIZER = "optimizer"  # with other options it goes on, and that is said
DIGESTS = {  # what is said where nobody would be helped by the terms themselves
    "numbers": "the numbers or weights of the examples are others",
    "held-out numbers": "the held-out examples are others: by validation=, or by the seed that "
    "draws them",
}


def terms_of(run: Any, data: Any, held_out: Any, **options: Any) -> Terms:
    """What a training goes by: its examples, its loss and optimiser, and options of `fit`.

    `data` are the examples before any were held out.
    """
    (form, numbers), (held, held_numbers) = _recognised(data), _recognised(held_out)
    found = {"the data": form, "numbers": numbers}
    found |= {"validation": held, "held-out numbers": held_numbers}
    options |= {"loss": run.loss, "penalty": run.objective.penalty, OPTIMIZER: run.optimizer}
    return found | {name: in_words(value) for name, value in options.items()}


def _recognised(data: Any) -> Fingerprint:
    if data is None:
        return Fingerprint("none", "")
    if not isinstance(data, Examples):
        return fingerprint(data)
    form, digest = fingerprint(data.source)
    weight = data.counted
    return Fingerprint(form, digest if weight is None else digest + digest_of(weight))


def in_words(value: Any) -> str:
    """A setting as it would be written; a function by its name.

    >>> in_words(None), in_words(partial(max, default=3)), in_words(in_words)
    ('None', 'max(default=3)', 'in_words')
    """
    if isinstance(value, partial):
        told = [*map(in_words, value.args), *(f"{k}={v!r}" for k, v in value.keywords.items())]
        return f"{in_words(value.func)}({', '.join(told)})"
    if hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def differing(then: Terms, now: Terms) -> list[str]:
    """What is not as it was, in words; of a term that one of the two does not know, nothing.

    >>> differing({"batch_size": "16", "loss": "mse"}, {"batch_size": "32", "loss": "mse"})
    ['batch_size was 16 and is 32']
    """
    both = {name: (then[name], now[name]) for name in then if name in now and name != OPTIMIZER}
    changed = {name: pair for name, pair in both.items() if pair[0] != pair[1] and all(pair)}
    formed = changed.keys() & {"the data", "validation"}  # other numbers go without saying
    return [
        DIGESTS.get(name) or f"{name} was {a} and is {b}"
        for name, (a, b) in changed.items() if not (formed and name in DIGESTS)
    ]  # fmt: skip
