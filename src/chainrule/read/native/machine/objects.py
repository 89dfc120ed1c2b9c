"""Object code kept on disk, so that what was compiled once is only loaded the next time.

A file's name is a digest of all that its code depends on: the module's text, the processor and its
features, and the versions. Its first bytes are a digest of the rest. Whatever is damaged, foreign
or half written does not match, counts as absent, and is replaced; nothing here ever raises.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

LIMIT, FILES = 256 << 20, 1024  # bytes, and files, above which what was unused for longest goes
MAGIC = b"chainrule object 2\n"
DIGEST = 32
NOTHING: Mapping[str, Any] = {}
TIDIES = ("00", "40", "80", "c0")  # how names begin with which the folder is looked through
STALE = 3600.0  # seconds after which a file still being written is a dead process's
ENDING = ".object"


def folder() -> Path | None:
    """Where object code is kept; None where it is not: CHAINRULE_CACHE=0, or no home.

    CHAINRULE_CACHE_DIR comes first, then what the system calls the user's cache.
    """
    if os.environ.get("CHAINRULE_CACHE", "").strip().lower() in ("0", "off", "no", "false"):
        return None
    asked = os.environ.get("CHAINRULE_CACHE_DIR", "")
    if asked:
        return Path(asked)
    base = _users()
    return None if base is None else base / "chainrule" / "objects"


def _users() -> Path | None:
    """The user's cache folder, as the platform has it."""
    name = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    given = os.environ.get(name, "")
    if given and os.path.isabs(given):
        return Path(given)
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return None
    places = {"win32": "AppData/Local", "darwin": "Library/Caches"}
    return home / places.get(sys.platform, ".cache")


def name_of(text: str, *rest: object) -> str:
    """The name of the code of this module for this machine: a digest of both.

    >>> name_of("a", "znver4") == name_of("a", "znver4"), name_of("a", "x") == name_of("a", "y")
    (True, False)
    """
    found = blake2b(digest_size=DIGEST)
    for part in (*map(repr, rest), text):
        found.update(f"{len(part)}\n".encode())
        found.update(part.encode())
    return found.hexdigest()


def find(name: str) -> tuple[bytes, dict] | None:
    """Object code and notes kept under a name, if there are any and all is as it was written."""
    place = folder()
    if place is None:
        return None
    path = place / (name + ENDING)
    try:
        with open(path, "rb") as file:
            if not _own(os.fstat(file.fileno())):
                return None
            found = file.read()
    except OSError:
        return None
    head = len(MAGIC) + DIGEST
    rest = found[head:]
    if not rest or found[:head] != MAGIC + _digest(name, rest):
        return None
    with suppress(OSError):
        os.utime(path)  # used: among the last to go
    notes, _, code = rest.partition(b"\n")
    return code, json.loads(notes)


def there(name: str) -> bool:
    """Whether something is kept under a name, and sound."""
    return find(name) is not None


def keep(name: str, code: bytes, notes: Mapping[str, Any] = NOTHING) -> None:
    """Keep object code under a name, with notes that JSON can hold. Either all of it is there
    afterwards, or nothing new."""
    place = folder()
    if place is None:
        return
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(".half", "", place)
    except OSError:  # a disk that cannot be written is no reason not to compute
        return
    try:
        with open(handle, "wb") as file:
            rest = json.dumps(notes).encode() + b"\n" + code
            file.write(MAGIC + _digest(name, rest) + rest)
        os.replace(half, place / (name + ENDING))
    except OSError:
        with suppress(OSError):
            os.unlink(half)
    if name.startswith(TIDIES):
        tidy(place)


def tidy(place: Path, limit: int = LIMIT, files: int = FILES) -> None:
    """Remove what was not used for longest, until the folder is within its limits."""
    found = []
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            with suppress(OSError):
                known = entry.stat(follow_symlinks=False)
                if entry.name.endswith(ENDING):
                    found.append((known.st_mtime, known.st_size, entry.path))
                elif entry.name.endswith(".half") and known.st_mtime < time.time() - STALE:
                    os.unlink(entry.path)
    total, count = sum(size for _, size, _ in found), len(found)
    for _, size, path in sorted(found):
        if total <= limit and count <= files:
            return
        total, count = total - size, count - 1
        with suppress(OSError):
            os.unlink(path)


def _digest(name: str, code: bytes) -> bytes:
    return blake2b(name.encode() + b"\n" + code, digest_size=DIGEST).digest()


def _own(known: os.stat_result) -> bool:
    """Whether nobody else can have written the file: code in it will be run."""
    if not hasattr(os, "getuid"):
        return True
    return known.st_uid == os.getuid() and not known.st_mode & 0o022
