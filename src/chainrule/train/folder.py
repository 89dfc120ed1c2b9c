"""The folder of a run: weights, history, settings, report. An old run is never overwritten."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.errors import DataError, UsageError


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


def save_weights(path: Path, weights: dict[str, np.ndarray], told: dict[str, Any]) -> None:
    """Weights as safetensors; what is told beside them is JSON, under `chainrule` of the metadata.

    The same weights give the same bytes.
    """
    from safetensors.numpy import save_file

    arrays = {k: np.ascontiguousarray(v) for k, v in weights.items()}
    # One entry alone: safetensors writes several in an order that changes from run to run.
    save_file(arrays, str(path), {"chainrule": json.dumps(finite(told), ensure_ascii=False)})


def save_history(path: Path, rows: list[dict[str, Any]]) -> None:
    """One JSON object a line, one line an epoch; what is not finite becomes null."""
    lines = [json.dumps(finite(row), allow_nan=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def save_json(path: Path, data: Any) -> None:
    """Data as JSON that any program reads."""
    told = json.dumps(finite(data), indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(told + "\n", encoding="utf-8")


def load_json(path: Path) -> Any:
    """Data from JSON.

    Raises: DataError where it is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(found, dict):
        raise DataError(f"{path}: holds a {type(found).__name__}, not the record of a run")
    return found


def load_weights(path: Path) -> dict[str, np.ndarray]:
    """Weights from safetensors, by name.

    Raises: DataError where it is none.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: cannot be read as weights: {error}") from None


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
