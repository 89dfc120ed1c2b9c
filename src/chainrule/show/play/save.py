"""A scene as a file, its kind told by the ending."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from ...graph.errors import UsageError
from ..svg import standalone

if TYPE_CHECKING:
    from ..scene import Scene

KINDS = ("svg", "png", "html", "gif", "webp", "mp4", "txt")


def save(
    scene: Scene, path: str | PathLike[str], *, moment: int = -1, scale: float | None = None,
    dark: bool = False, fps: float = 12.0,
) -> None:  # fmt: skip
    """Write the scene to `path`; see Scene.save."""
    target = Path(fspath(path))
    kind = target.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise UsageError(
            f"save: {target.name!r} does not say what to write; end it in one of "
            f"{', '.join('.' + k for k in KINDS)}"
        )
    data = _bytes(scene, kind, moment, scale, dark, fps)
    try:
        target.write_bytes(data)
    except OSError as error:
        raise UsageError(f"save: {target} cannot be written: {error.strerror}") from None


def _bytes(
    scene: Scene, kind: str, moment: int, scale: float | None, dark: bool, fps: float
) -> bytes:
    if kind == "svg":
        return standalone(scene.at(moment)).encode()
    if kind == "html":
        return scene.html().encode()
    if kind == "txt":
        return (scene.transcript() + "\n").encode()
    if kind == "png":
        from .raster import png

        return png(scene.at(moment), 2.0 if scale is None else scale, dark)
    from .film import film

    return film(scene, kind, fps, scale, dark)
