"""Files that a command is to write: whether it can, asked before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from ..graph.errors import MissingExtraError, UsageError
from ..graph.spelling import did_you_mean

# Ending → the modules it needs and the extra that brings them.
NEEDS: dict[str, tuple[tuple[str, ...], str]] = {
    "png": (("resvg_py",), "pictures"),
    "gif": (("resvg_py", "PIL"), "pictures"),
    "webp": (("resvg_py", "PIL"), "pictures"),
    "mp4": (("resvg_py", "PIL", "av"), "video"),
}
PICTURES = ("svg", "png", "dot", "mmd", "html")
FILMS = ("html", "gif", "webp", "mp4", "svg", "png", "txt")
CURVES = ("svg", "png", "html")
PAGES = ("html",)


def writable(option: str, name: str | None, kinds: Iterable[str]) -> Path | None:
    """The path of a file that can be written, or None where none is asked for.

    Raises: UsageError (an unknown ending, a folder that is not there), MissingExtraError.
    """
    if name is None:
        return None
    path, kinds = Path(name), tuple(kinds)
    kind = path.suffix.lower().removeprefix(".")
    listed = ", ".join(f".{k}" for k in kinds)
    if kind not in kinds:
        near = did_you_mean(kind, kinds, "") if kind else ""
        advice = f"; {near}" if near else ""
        raise UsageError(f"{option} {name}: the name must end in one of {listed}{advice}")
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"{option} {name}: there is no folder {folder}")
    if path.is_dir():
        raise UsageError(f"{option} {name}: this is a folder; give the name of a file")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"{option} {name}: cannot be written here: permission denied")
    modules, extra = NEEDS.get(kind, ((), ""))
    if any(find_spec(m) is None for m in modules):
        raise MissingExtraError(f"{option} {name}: a .{kind}", extra)
    return path


def write(path: Path, text: str) -> None:
    """Write text to a file.

    Raises: UsageError where the system says no.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
