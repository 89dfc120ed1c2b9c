"""Small pictures of numbers: PNG files written from a table of colours, as data URIs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from struct import pack
from zlib import compress, crc32

import numpy as np

Colour = tuple[int, int, int, int]  # red, green, blue, opacity

# Two colours that people with any colour vision tell apart, and between them the page itself.
LOW, HIGH = (232, 119, 12), (0, 104, 181)
FAINT, FULL = 0.03, 0.58  # the opacity where nothing is decided, and at either end
CLASSES = (
    LOW, HIGH, (0, 140, 98), (190, 70, 140), (140, 120, 0), (80, 80, 190), (110, 110, 110),
    (140, 45, 4),
)  # fmt: skip


def png(index: np.ndarray, colours: Sequence[Colour]) -> bytes:
    """A PNG file: at each place the number of a colour in the table, of at most 256.

    Shapes: index (height, width).
    Source: PNG (Portable Network Graphics) Specification, W3C 2003.

    >>> png(np.zeros((2, 3), np.uint8), [(255, 0, 0, 255)])[:4]
    b'\\x89PNG'
    """
    height, width = index.shape
    rows = b"".join(b"\0" + row.tobytes() for row in index.astype(np.uint8))
    return b"\x89PNG\r\n\x1a\n" + b"".join((
        _chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", bytes(v for c in colours for v in c[:3])),
        _chunk(b"tRNS", bytes(c[3] for c in colours)),
        _chunk(b"IDAT", compress(rows, 9)),
        _chunk(b"IEND", b""),
    ))  # fmt: skip


def _chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))


def uri(file: bytes) -> str:
    """A PNG file as the address of an image."""
    return "data:image/png;base64," + b64encode(file).decode("ascii")


def _opacity(strength: float) -> int:
    return round(255 * (FAINT + (FULL - FAINT) * strength**0.8))


def diverging(field: np.ndarray, levels: int = 33) -> str:
    """A picture of numbers from -1 (orange) over 0 (the page) to 1 (blue), as a data URI."""
    steps = np.linspace(-1.0, 1.0, levels)
    colours = [(*(LOW if t < 0 else HIGH), _opacity(abs(t))) for t in steps]
    field = np.clip(np.nan_to_num(field), -1.0, 1.0)
    return uri(png(np.rint((field + 1) / 2 * (levels - 1)), colours))


def shares(field: np.ndarray, levels: int = 9) -> str:
    """A picture of which class has the largest share, and by how much, as a data URI.

    Shapes: field (height, width, classes), adding up to 1 on the last axis.
    """
    field = np.nan_to_num(field)
    classes = field.shape[-1]
    sure = (field.max(-1) - 1 / classes) / (1 - 1 / classes)
    level = np.rint(np.clip(sure, 0.0, 1.0) * (levels - 1))
    tables = min(classes, len(CLASSES))
    colours = [(*CLASSES[k], _opacity(v)) for k in range(tables) for v in np.linspace(0, 1, levels)]
    return uri(png(field.argmax(-1) % tables * levels + level, colours))


def levels(field: np.ndarray, steps: int = 25) -> str:
    """A picture of numbers from 0 (the page) to 1 (blue), as a data URI."""
    colours = [(*HIGH, _opacity(t)) for t in np.linspace(0.0, 1.0, steps)]
    return uri(png(np.rint(np.clip(np.nan_to_num(field), 0.0, 1.0) * (steps - 1)), colours))
