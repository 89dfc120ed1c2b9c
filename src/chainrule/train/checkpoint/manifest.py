"""The list of a folder's checkpoints: manifest.json, with the size and SHA-256 of each."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from . import disk
from .strict import Budget, Malformed, read_json

NAME = "manifest.json"
FORMAT = 1
MISSING = "it is not there"
LARGEST = 16 << 20  # bytes of a manifest: far above any
_FILE = re.compile(r"checkpoint-([0-9]{6,12})\.safetensors")


class Listed(NamedTuple):
    """One checkpoint of a folder; only `number` is known of one that the manifest leaves out."""

    name: str
    number: int
    size: int | None = None
    sha256: str = ""
    step: int | None = None
    epoch: int | None = None


def name_of(number: int) -> str:
    """The file of the checkpoint with this number.

    >>> name_of(7), number_of(name_of(7)), number_of("model.safetensors")
    ('checkpoint-000007.safetensors', 7, None)
    """
    return f"checkpoint-{number:06d}.safetensors"


def number_of(name: str) -> int | None:
    """The number of a checkpoint's file; None for another file."""
    match = _FILE.fullmatch(name)
    return int(match[1]) if match else None


def write(folder: Path, listed: list[Listed]) -> None:
    """Write the manifest, whole or not at all."""
    told = {
        "format": FORMAT,
        "checkpoints": [
            {k: v for k, v in one._asdict().items() if k != "number"} for one in listed
        ],
    }
    disk.write(folder / NAME, [json.dumps(told, indent=2).encode() + b"\n"])


def found(folder: Path) -> tuple[list[Listed], str]:
    """The checkpoints of a folder, the oldest first, and what is wrong with its manifest.

    What lies there counts, listed or not; what is listed and not there is left in the list, so
    that its absence can be told.
    Raises: OSError where the folder cannot be read.
    """
    told, wrong = _read(folder / NAME)
    there = {name: number for name in disk.names(folder) if (number := number_of(name)) is not None}
    listed = {one.name: one for one in told}
    listed |= {name: Listed(name, number) for name, number in there.items() if name not in listed}
    return sorted(listed.values(), key=lambda one: one.number), wrong


def _read(path: Path) -> tuple[list[Listed], str]:
    try:
        if path.stat().st_size > LARGEST:
            return [], f"it is larger than {LARGEST:,} bytes"
        told = read_json(path.read_text("utf-8"), Budget(4 * LARGEST))
        return [_listed(one) for one in _inner(told)], ""
    except FileNotFoundError:
        return [], MISSING
    except OSError as error:
        return [], disk.trouble(error)
    except UnicodeDecodeError:
        return [], "it is not UTF-8"
    except Malformed as error:
        return [], str(error)


def _inner(told: Any) -> list:
    if type(told) is not dict or told.get("format") != FORMAT:
        raise Malformed(f"it is no manifest of format {FORMAT}")
    if type(told.get("checkpoints")) is not list:
        raise Malformed("it lists no checkpoints")
    return told["checkpoints"]


def _listed(told: Any) -> Listed:
    fields = {"name": str, "size": int, "sha256": str, "step": int, "epoch": int}
    right = type(told) is dict and all(type(told.get(k)) is t for k, t in fields.items())
    number = number_of(told["name"]) if right else None
    if number is None:
        raise Malformed("it lists what is no checkpoint of ours")
    return Listed(number=number, **{k: told[k] for k in fields})
