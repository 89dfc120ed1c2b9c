"""Files that are there whole or not at all, whatever happens while they are written.

A file is written under a name of its own beside its place, flushed to the disk, and renamed; then
the folder is flushed too. A reader finds the old file or the new one. What a killed process leaves
under such names is removed by the next that writes there.

Source: Pillai et al. 2014 (OSDI), on the orders in which file systems really write.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from zlib import crc32

from ...graph.errors import CheckpointError

# Every call that changes what a disk holds, in one table.
SYSTEM = SimpleNamespace(
    open=os.open, write=os.write, sync=os.fsync, close=os.close, rename=os.replace,
    remove=os.unlink,
)  # fmt: skip
CHUNK = 4 << 20  # bytes handed to the system at once
STALE = 24 * 3600.0  # seconds after which an unfinished file of another machine is a dead one's
PATIENCE = 60.0  # seconds to wait for another process that writes in the folder
LOCK = ".lock"
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_UNFINISHED = re.compile(r"\..+\.([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}\.part")

WORDS = {
    errno.ENOSPC: "the disk is full", errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "it is larger than files may be here", errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied", errno.EIO: "the disk reports an error",
    errno.ENOENT: "there is no such folder", errno.EISDIR: "this is a folder",
}  # fmt: skip


def machine() -> str:
    """This machine, in eight characters."""
    return f"{crc32(socket.gethostname().encode()):08x}"


def trouble(error: OSError) -> str:
    """What the system says, in words."""
    return WORDS.get(error.errno or 0) or error.strerror or type(error).__name__


def write(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Put a file in its place, whole and flushed to the disk.

    Raises: CheckpointError where the system says no; then all is as it was before.
    """
    name = f".{path.name}.{machine()}-{os.getpid()}-{secrets.token_hex(4)}.part"
    part = path.with_name(name)
    try:
        try:
            _fill(part, parts)
            SYSTEM.rename(part, path)
        except BaseException:
            with suppress(OSError):
                SYSTEM.remove(part)
            raise
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written: {trouble(error)}; what was there before is unchanged"
        ) from None
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"{path} is written, but may be lost if the power fails now: {trouble(error)}"
        ) from None


def _fill(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    handle = SYSTEM.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[SYSTEM.write(handle, rest[:CHUNK]) :]
        SYSTEM.sync(handle)
    finally:
        SYSTEM.close(handle)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder, where the system can."""
    if os.name == "nt":  # it flushes them itself, and does not open folders
        return
    handle = SYSTEM.open(folder, os.O_RDONLY | _BINARY)
    try:
        SYSTEM.sync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system has it
            raise
    finally:
        SYSTEM.close(handle)


def remove(path: Path) -> None:
    """Remove a file that may be gone already, or may not be ours to remove."""
    with suppress(OSError):
        SYSTEM.remove(path)


def tidy(folder: Path) -> None:
    """Remove what processes that are no longer there left unfinished."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _UNFINISHED.fullmatch(entry.name)
            if match and _is_dead(entry, match[1], int(match[2])):
                remove(Path(entry.path))


def _is_dead(entry: os.DirEntry, where: str, process: int) -> bool:
    if where == machine() and os.name != "nt":
        if process == os.getpid():
            return False
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return False
    try:
        return entry.stat(follow_symlinks=False).st_mtime < time.time() - STALE
    except OSError:
        return False


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder against other writers; what the system cannot lock is not held.

    Raises: CheckpointError where another holds it for a minute.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | _BINARY, 0o666)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be written in: {trouble(error)}") from None
    try:
        until = time.monotonic() + PATIENCE
        while not _locked(handle):
            if time.monotonic() > until:
                raise CheckpointError(
                    f"{folder}: another process has been writing there for {PATIENCE:.0f} s; give "
                    "every training a folder of its own"
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(handle)  # this unlocks it, as the death of the process does


def _locked(handle: int) -> bool:
    """Whether this handle has the lock now; True also where the system has no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return os.listdir(folder)
