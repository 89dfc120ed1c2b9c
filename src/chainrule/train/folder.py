"""The folder of a run: history, settings, and where it lies. An old run is never overwritten."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.errors import DataError, UsageError
from ..graph.spelling import told_type
from .checkpoint.disk import write


def new_folder(base: str | Path, name: str) -> Path:
    """Make and return the next free folder: digits-001, digits-002, ...

    >>> import tempfile
    >>> base = tempfile.mkdtemp()
    >>> [new_folder(base, "digits").name for _ in range(2)]
    ['digits-001', 'digits-002']
    """
    base = Path(base)
    name = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    try:
        base.mkdir(parents=True, exist_ok=True)
        taken = [
            int(m[1])
            for p in base.iterdir()
            if (m := re.fullmatch(rf"{re.escape(name)}-(\d+)", p.name))
        ]
        number = max(taken, default=0) + 1
        while True:
            folder = base / f"{name}-{number:03d}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:  # another run has just taken it
                number += 1
    except OSError as error:
        raise UsageError(f"no folder for the run can be made in {base}: {error.strerror}") from None


def save_history(path: Path, rows: list[dict[str, Any]]) -> None:
    """One JSON object a line, one line an epoch; what is not finite becomes null."""
    lines = [json.dumps(finite(row), allow_nan=False) + "\n" for row in rows]
    write(path, ["".join(lines).encode()])


def save_json(path: Path, data: Any) -> None:
    """Data as JSON that any program reads."""
    told = json.dumps(finite(data), indent=2, allow_nan=False, ensure_ascii=False)
    write(path, [told.encode() + b"\n"])


def load_json(path: Path) -> Any:
    """Data from JSON.

    Raises: DataError where it is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(found, dict):
        raise DataError(f"{path}: holds {told_type(found)}, not the record of a run")
    return found


def finite(data: Any) -> Any:
    """The same data with null for NaN and infinities, which JSON has no word for."""
    match data:
        case dict():
            return {str(k): finite(v) for k, v in data.items()}
        case list() | tuple():
            return [finite(v) for v in data]
        case float() | np.floating():
            return float(data) if np.isfinite(data) else None
        case np.integer():
            return int(data)
    return data


def versions() -> dict[str, str]:
    """What the run was made with."""
    from importlib.metadata import version

    return {
        "chainrule": version("chainrule"),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
