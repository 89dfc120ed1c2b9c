"""Arrays in safetensors files, written and read.

Ours carry, beside any other metadata, `sha256`: the digest of the whole file with 64 zeros in its
place; and `layouts`, where an array's order in memory is not that of its axes.
"""

from __future__ import annotations

import json
import os
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ...graph.errors import CheckpointError
from . import disk
from .header import (
    ALWAYS,
    ENTRY,
    LONGEST,
    METADATA,
    TIMES,
    WRITTEN,
    Header,
    exactly,
    into,
    judged,
    member,
    sizes,
)
from .strict import Budget, Malformed, read_json, shown

DIGEST, LAYOUTS = "sha256", "layouts"
NOT_YET = "0" * 64


class Content(NamedTuple):
    """What was in a file, and how much memory its texts may still take."""

    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]
    budget: Budget


class Written(NamedTuple):
    """A file that was written: its size, and the digest of all its bytes where it was asked for."""

    size: int
    digest: str


def write(
    path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str], digest: bool = False
) -> Written:
    """Write arrays and texts; the same give the same bytes. Memory order is kept too.

    Raises: CheckpointError for a dtype that such files do not have, and where the disk says no.
    """
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<") not in WRITTEN or name == METADATA:
            raise CheckpointError(
                f"{path}: {name} is an array of {array.dtype}; give floats, whole numbers or bools"
            )
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    layouts = {name: order for name in names if (order := _layout(arrays[name]))}
    if layouts:
        metadata = {**metadata, LAYOUTS: json.dumps(layouts, separators=(",", ":"))}
    header = _header([(name, arrays[name]) for name in names], metadata)
    length = struct.pack("<Q", len(header))
    own = _hashed(sha256(length + header), arrays, names).hexdigest()
    header = header.replace(NOT_YET.encode(), own.encode(), 1)
    whole = _hashed(sha256(length + header), arrays, names).hexdigest() if digest else ""
    disk.write(path, chain((length, header), (_bytes(arrays[name]) for name in names)))
    size = 8 + len(header) + sum(array.nbytes for array in arrays.values())
    return Written(size, whole)


def _hashed(found: Any, arrays: dict[str, np.ndarray], names: list[str]) -> Any:
    for name in names:
        found.update(_bytes(arrays[name]))
    return found


def _header(arrays: list[tuple[str, np.ndarray]], metadata: dict[str, str]) -> bytes:
    told: dict[str, Any] = {METADATA: {DIGEST: NOT_YET, **metadata}}
    at = 0
    for name, array in arrays:
        told[name] = {
            "dtype": WRITTEN[array.dtype.newbyteorder("<")], "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }  # fmt: skip
        at += array.nbytes
    found = json.dumps(told, separators=(",", ":")).encode()
    found += b" " * (-len(found) % 8)  # the arrays begin at a multiple of 8
    found += b" " * _room(found, at)
    if len(found) > LONGEST:
        raise CheckpointError(f"{len(arrays):,} arrays are too many for one file")
    return found


def _room(header: bytes, rest: int) -> int:
    """How many spaces make the file as large as its own reading needs: many small arrays do."""
    if 24 * len(header) <= ALWAYS:
        return 0
    budget = Budget(1 << 62)  # it is asked in the order in which reading asks its own
    budget.take(2 * len(header))
    told = read_json(header.decode(), budget, member, ENTRY)
    budget.take(sum(64 + len(inner) for inner in told[METADATA].values()) + rest)
    for inner in told[METADATA].values():
        if inner.startswith("{"):
            read_json(inner, budget)
    missing = budget.limit - budget.least - TIMES * (8 + len(header) + rest) - ALWAYS
    # A space more is a byte more of file, and two more of header to be read.
    return max(0, -(-missing // (8 * (TIMES - 2))) * 8)


def _layout(array: np.ndarray) -> list[int] | None:
    """The axes from the slowest to the fastest in memory, where this is not their order."""
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return None if array.flags.c_contiguous or order == list(range(array.ndim)) else order


def _bytes(array: np.ndarray) -> memoryview:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data


def read(path: Path, wanted: Callable[[str], bool] | None = None, digest: str = "") -> Content:
    """The arrays and texts of a file; of the arrays those whose names are `wanted`.

    Raises: CheckpointError for what is no such file, is not whole, or is not what was written: by
    its own digest, and by `digest` where one is given.
    """
    try:
        with opened(path) as (file, size):
            header = judged(file, size)
            header.budget.take(size - len(header.text) - 8)
            return _Reading(file, header).all(wanted, digest)
    except Malformed as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    except MemoryError:
        raise CheckpointError(f"{path} does not fit into memory") from None
    except FileNotFoundError:
        raise CheckpointError(f"{path} cannot be read: there is no such file") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {disk.trouble(error)}") from None


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file to read, and its size; only what is a file, since others may never end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise Malformed("it is a folder" if path.is_dir() else "it is no file")
    with open(path, "rb", buffering=0) as file:
        yield file, os.fstat(file.fileno()).st_size  # type: ignore[misc]


class _Reading:
    """The arrays of a file, read once from its beginning to its end."""

    def __init__(self, file: BinaryIO, header: Header):
        self.file, self.header = file, header
        self.told = header.metadata.get(DIGEST)
        length = struct.pack("<Q", len(header.text))
        self.own = None
        if self.told is not None:
            blank = header.text.replace(self.told.encode(), NOT_YET.encode(), 1)
            self.own = sha256(length + blank)
        self.whole = sha256(length + header.text)

    def all(self, wanted: Callable[[str], bool] | None, digest: str) -> Content:
        found, layouts = {}, self.layouts()
        self.digests = [d for d in (self.own, self.whole if digest else None) if d]
        for name, entry in sorted(self.header.entries.items(), key=lambda item: item[1][2:]):
            if wanted is not None and not wanted(name):
                self.pass_over(entry.stop - entry.start)
                continue
            array = np.empty(entry.shape, entry.dtype)
            self.fill(array.reshape(-1).view(np.uint8).data)
            if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
                raise Malformed(
                    f"{shown(name)} is of bools, and has bytes that are neither 0 nor 1"
                )
            found[name] = _laid(array.astype(array.dtype.newbyteorder("="), copy=False),
                                layouts.get(name))  # fmt: skip
        if (self.own and self.own.hexdigest() != self.told) or (
            digest and self.whole.hexdigest() != digest
        ):
            raise Malformed(
                "its bytes are not those that were written: by their SHA-256 it was damaged, or "
                "changed by another program"
            )
        return Content(found, self.header.metadata, self.header.budget)

    def fill(self, place: memoryview) -> None:
        into(self.file, place)
        for one in self.digests:
            one.update(place)

    def pass_over(self, count: int) -> None:
        while count:
            part = exactly(self.file, min(count, 1 << 18))
            for one in self.digests:
                one.update(part)
            count -= len(part)

    def layouts(self) -> dict[str, list[int]]:
        """The order of the axes in memory, of the arrays where it is not that of the file."""
        told = self.header.metadata.get(LAYOUTS)
        found = read_json(told, self.header.budget) if told else {}
        known = self.header.entries
        if type(found) is not dict or not all(
            name in known and sizes(axes) and sorted(axes) == list(range(len(known[name].shape)))
            for name, axes in found.items()
        ):
            raise Malformed("what it says of its arrays' order in memory does not fit them")
        return found


def _laid(array: np.ndarray, axes: list[int] | None) -> np.ndarray:
    """The same array with its axes in this order in memory, the slowest first."""
    if axes is None:
        return array
    return np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes))
