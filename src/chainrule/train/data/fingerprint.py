"""What data are recognised by, when a training on them is taken up again."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from .sources import Stream

WHOLE = 1 << 24  # bytes that are looked at in full
ROWS = 1000  # of more than that: so many, spread over all of it
TWICE = 64  # rows that are taken two times: a source that draws gives others each time


class Fingerprint(NamedTuple):
    """The form of examples in words, and a digest of their numbers, or "" where they change."""

    form: str
    digest: str


def fingerprint(data: Any) -> Fingerprint:
    """What a source or a stream is recognised by; of large data only some rows are read.

    The same numbers in memory and in a file are the same data. Of batches that come one after
    the other the form alone is known.

    >>> from .sources import Arrays
    >>> fingerprint(Arrays(np.ones((4, 3), np.float32), np.arange(4))).form
    '4 examples of (3,) float32 with targets of () int64'
    """
    if isinstance(data, Stream):
        x, t = data.first
        return Fingerprint(f"batches of {_form(x, t)}", "")
    count = len(data)
    x, t = data.take(np.arange(min(1, count)))
    form = f"{count} {_form(x, t)}"
    if not count:
        return Fingerprint(form, "")
    some = _spread(count, TWICE)
    if digest_of(*data.take(some)) != digest_of(*data.take(some)):
        return Fingerprint(form, "")
    size = max(1, x.nbytes + t.nbytes)
    many = count if count * size <= WHOLE else min(ROWS, max(1, WHOLE // size))
    return Fingerprint(form, digest_of(*data.take(_spread(count, many))))


def _form(x: np.ndarray, t: np.ndarray) -> str:
    parts = [f"{a.shape[1:]} {a.dtype}" for a in (x, t)]
    return f"examples of {parts[0]} with targets of {parts[1]}"


def _spread(count: int, many: int) -> np.ndarray:
    """Some of the rows, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(many, count)).astype(np.int64))


def digest_of(*arrays: np.ndarray) -> str:
    """The SHA-256 of arrays: of their shapes, dtypes and numbers."""
    found = hashlib.sha256()
    for a in arrays:
        found.update(repr((a.shape, a.dtype.str)).encode())
        found.update(np.ascontiguousarray(a).data)
    return found.hexdigest()
