"""The header of a safetensors file, judged to the last byte before anything large is made.

A file is a length, a header in JSON and the arrays' bytes. The header gives each array a dtype, a
shape and its place; the places must fill the rest of the file without gap or overlap.
Source: the safetensors format, github.com/huggingface/safetensors.
"""

from __future__ import annotations

import struct
from math import prod
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from . import disk
from .strict import Budget, Malformed, read_json, shown

LONGEST = 100 << 20  # bytes of a header, as the format has it
TIMES, ALWAYS = 4, 1 << 20  # memory that reading may take: so many times the file, and this
AXES, SIZE = 32, 2**63  # of an array
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
WRITTEN = {np.dtype(ours): theirs for theirs, ours in DTYPES.items()}
METADATA = "__metadata__"
ENTRY = 480  # bytes that an Entry and an empty array take in memory, from above


class Entry(NamedTuple):
    """One array of a file."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


class Header(NamedTuple):
    """What a file says of itself, judged; `text` are its bytes."""

    entries: dict[str, Entry]
    metadata: dict[str, str]
    text: bytearray
    budget: Budget


def judged(file: BinaryIO, size: int) -> Header:
    """The header of a file.

    Raises: Malformed, OSError.
    """
    if size < 8:
        raise Malformed(f"it has {size} bytes; it is cut off, or was never a safetensors file")
    (length,) = struct.unpack("<Q", exactly(file, 8))
    if length > min(LONGEST, size - 8):
        raise Malformed(
            f"it says that its header has {length:,} bytes, and has {size:,} itself; it is cut "
            "off, or was never a safetensors file"
        )
    budget = Budget(TIMES * size + ALWAYS)
    budget.take(2 * length)
    text = exactly(file, length)
    if not text.startswith(b"{"):
        raise Malformed("its header is no JSON object; it was never a safetensors file")
    try:
        if not text.isascii():
            budget.take(6 * length)  # one wide character makes all of a text wide
        told = read_json(text.decode(), budget, member, ENTRY)
    except UnicodeDecodeError:
        raise Malformed("its header is not UTF-8") from None
    metadata = told.pop(METADATA, {})
    budget.take(sum(64 + len(text) for text in metadata.values()))
    _filled(told, size - 8 - length)
    return Header(told, metadata, text, budget)


def member(name: str, told: Any) -> Any:
    """An array, as far as it can be judged by itself; or the metadata."""
    if name == METADATA:
        if type(told) is not dict or any(type(x) is not str for x in told.values()):
            raise Malformed("its __metadata__ is no object of texts")
        return told
    if type(told) is not dict or set(told) != {"dtype", "shape", "data_offsets"}:
        raise Malformed(f"{shown(name)} has no dtype, shape and data_offsets, or more than these")
    dtype, shape, place = told["dtype"], told["shape"], told["data_offsets"]
    if type(dtype) is not str or dtype not in DTYPES:
        raise Malformed(
            f"{shown(name)} is of dtype {shown(dtype)}; here there are {', '.join(DTYPES)}"
        )
    if not sizes(shape) or len(shape) > AXES:
        raise Malformed(f"{shown(name)} has a shape that is none: {_short(shape)}")
    if not sizes(place) or len(place) != 2 or place[0] > place[1]:
        raise Malformed(f"{shown(name)} has data_offsets that are none: {_short(place)}")
    found = np.dtype(DTYPES[dtype])
    if prod(shape) * found.itemsize != place[1] - place[0]:
        raise Malformed(
            f"{shown(name)} is {dtype} {_short(shape)}, which is not {place[1] - place[0]:,} bytes"
        )
    return Entry(found, tuple(shape), place[0], place[1])


def sizes(given: Any) -> bool:
    """Whether this is a list of whole numbers, as shapes and places are."""
    return type(given) is list and all(type(n) is int and 0 <= n < SIZE for n in given)


def _short(given: Any) -> str:
    told = str(given[:8]) if isinstance(given, list) else type(given).__name__
    return told if len(told) < 200 else told[:200] + "…"


def _filled(entries: dict[str, Entry], size: int) -> None:
    """Refuse places that leave bytes out, share bytes, or reach past the end."""
    at, before = 0, ""
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.stop > size:
            raise Malformed(f"{shown(name)} ends {entry.stop - size:,} bytes after the file does")
        if entry.start < at:
            raise Malformed(f"{shown(name)} and {shown(before)} share bytes")
        if entry.start > at:
            raise Malformed(f"{entry.start - at:,} bytes before {shown(name)} belong to no array")
        at, before = entry.stop, name
    if at != size:
        raise Malformed(f"{size - at:,} bytes at its end belong to no array")


def exactly(file: BinaryIO, count: int) -> bytearray:
    """The next so many bytes of a file."""
    found = bytearray(count)
    into(file, memoryview(found))
    return found


def into(file: BinaryIO, place: memoryview) -> None:
    """Fill a place with the next bytes of a file."""
    while place:
        count = file.readinto(place[: disk.CHUNK])  # type: ignore[attr-defined]
        if not count:
            raise Malformed("it became shorter while it was read")
        place = place[count:]
