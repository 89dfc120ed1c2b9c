"""A picture as dots: SVG to PNG, with the font that comes with the extra."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ...graph.errors import MissingExtraError, UsageError
from ..svg import colours, resolved

MOST = 40_000_000  # dots of one picture: beyond, something was written wrong


def png(svg: str, scale: float = 2.0, dark: bool = False, ground: str | None = None) -> bytes:
    """The picture as PNG, `scale` dots for a pixel, on the page's ground.

    Raises: MissingExtraError where the extra "pictures" is not installed; UsageError.
    """
    resvg = _resvg()
    size = size_of(svg)
    if not scale > 0 or not size[0] * size[1] * scale * scale < MOST:
        raise UsageError(
            f"png: {size[0]:g} × {size[1]:g} pixels at scale={scale:g}; give a scale between 0 "
            f"and {(MOST / (size[0] * size[1])) ** 0.5:.3g}"
        )
    # Outside what the font holds, the system's fonts are better than nothing; they are slow.
    known = all(ord(c) < 0x2E80 for c in svg)
    return resvg.svg_to_bytes(
        svg_string=resolved(svg, dark), zoom=float(scale), skip_system_fonts=known,
        font_files=[_font()], font_family="DejaVu Sans", sans_serif_family="DejaVu Sans",
        serif_family="DejaVu Sans", monospace_family="DejaVu Sans",
        background=ground or colours(dark)["page"],
    )  # fmt: skip


def size_of(svg: str) -> tuple[float, float]:
    """Width and height of a picture, in pixels.

    >>> size_of('<svg width="30" height="20"></svg>')
    (30.0, 20.0)
    """
    opening = svg[: svg.index(">") + 1]
    said = [re.search(rf'\s{name}="([\d.]+)', opening) for name in ("width", "height")]
    if said[0] and said[1]:
        return float(said[0][1]), float(said[1][1])
    box = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', opening)
    if not box:
        raise UsageError("the picture says neither its width and height nor a viewBox")
    return float(box[1]), float(box[2])


def _resvg() -> Any:
    try:
        import resvg_py
        import ziafont  # noqa: F401  (its font)
    except ImportError:
        raise MissingExtraError("a picture as PNG, GIF, WebP or MP4", "pictures") from None
    return resvg_py


@cache
def _font() -> str:
    with as_file(files("ziafont").joinpath("fonts", "DejaVuSans.ttf")) as path:
        if not Path(path).is_file():
            raise MissingExtraError("the font of pictures", "pictures")
        return str(path)
