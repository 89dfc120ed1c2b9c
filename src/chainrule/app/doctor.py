"""`chainrule doctor`: what this machine has, and what is missing. It sets nothing."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np

from ..graph.spelling import counted

PACKAGES = ("chainrule", "numpy", "optree", "click", "rich", "llvmlite")
EXTRAS = {  # extra → (module, package)
    "data": (("sklearn", "scikit-learn"),),
    "symbolic": (("sympy", "sympy"),),
    "pictures": (("PIL", "pillow"), ("resvg_py", "resvg-py"), ("ziamath", "ziamath")),
    "video": (("av", "av"),),
    "sklearn": (("sklearn", "scikit-learn"),),
    "parquet": (("pyarrow", "pyarrow"),),
    "tensorboard": (("tensorboardX", "tensorboardX"),),
}
PREFIXES = ("scipy_openblas_", "openblas_")
SUFFIXES = ("64_", "_64", "")


def facts() -> list[tuple[str, str]]:
    """Everything the doctor says, as (what, how it is).

    >>> [what for what, _ in facts()][:2]
    ['chainrule', 'numpy']
    """
    rows = [(p, _version(p)) for p in PACKAGES]
    rows += [
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("platform", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("cpu", cpu()),
        ("cores", _cores()),
    ]
    return rows + blas() + machine_code() + _environment() + extras()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def cpu() -> str:
    """The processor's name, where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def _cores() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{usable} usable of {os.cpu_count()}"


def blas() -> list[tuple[str, str]]:
    """Which BLAS NumPy was built with; of a bundled OpenBLAS also its core type and threads."""
    try:
        built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        rows = [("blas", f"{built.get('name', 'unknown')} {built.get('version', '')}".strip())]
    except (KeyError, TypeError):
        rows = [("blas", "unknown: NumPy does not say")]
    library = _openblas()
    if library is None:
        return [*rows, ("blas core type", "not to be had: no OpenBLAS is bundled with NumPy")]
    asked = (("blas core type", "get_corename"), ("blas config", "get_config"))
    for what, name in asked:
        f = _symbol(library, name)
        if f is not None:
            f.restype = ctypes.c_char_p
            rows.append((what, (f() or b"unknown").decode(errors="replace").strip()))
    threads = _symbol(library, "get_num_threads")
    if threads is not None:
        rows.append(("blas threads", str(threads())))
    return rows


def machine_code() -> list[tuple[str, str]]:
    """What `cr.compile` has here: LLVM, its processor, threads, and where it keeps object code."""
    from ..read.native.machine import engine, objects, threads

    reason = engine.missing()
    if reason:
        return [("machine code", f"missing: {reason}; compiled functions run by NumPy, slower")]
    host = engine.host()
    count = threads.wanted()
    return [
        ("llvm", f"{'.'.join(map(str, host.versions[1]))}, for {host.cpu}, {host.target.triple}"),
        ("vectors", f"{8 * engine.register()} bits"),
        ("threads", f"{count} for compiled functions; CHAINRULE_NUM_THREADS sets how many"),
        ("products", "our own code at every size; NumPy's BLAS is not asked"),
        ("object code", _kept(objects.folder())),
    ]


def _kept(folder: Path | None) -> str:
    if folder is None:
        return "is not kept: CHAINRULE_CACHE is off, or there is no home"
    files = list(folder.glob("*.object")) if folder.is_dir() else []
    size = sum(f.stat().st_size for f in files)
    held = f"{counted(len(files), 'file')}, {size / 1e6:.1f} MB"
    return f"{folder}: {held}; CHAINRULE_CACHE_DIR moves it"


def _openblas() -> ctypes.CDLL | None:
    """The OpenBLAS that came with NumPy; it is loaded already, so this opens nothing new."""
    home = Path(np.__file__).parent
    places = (home.parent / "numpy.libs", home / ".dylibs", home / "_core")
    for place in places:
        for found in sorted(place.glob("*openblas*")) if place.is_dir() else ():
            try:
                return ctypes.CDLL(str(found))
            except OSError:
                continue
    return None


def _symbol(library: ctypes.CDLL, name: str) -> Callable | None:
    for prefix in PREFIXES:
        for suffix in SUFFIXES:
            found = getattr(library, f"{prefix}{name}{suffix}", None)
            if found is not None:
                return found
    return None


def _environment() -> list[tuple[str, str]]:
    names = sorted(n for n in os.environ if n.startswith(("OPENBLAS_", "OMP_NUM_", "MKL_NUM_")))
    if not names:
        return [("environment", "no OPENBLAS_*, OMP_NUM_* or MKL_NUM_* variable is set")]
    return [(n, f"{os.environ[n]}  (changes how fast NumPy is)") for n in names]


def extras() -> list[tuple[str, str]]:
    """What is optional: the version that is there, or the command that installs it."""
    rows = []
    for extra, needs in EXTRAS.items():
        missing = [package for module, package in needs if find_spec(module) is None]
        there = ", ".join(f"{package} {_version(package)}" for _, package in needs)
        told = f'missing; pip install "chainrule[{extra}]"' if missing else there
        rows.append((f"extra {extra}", told))
    return rows


@click.command("doctor")
def doctor_command() -> None:
    """Show versions, processor, BLAS and extras: what to send with a question.

    \b
    Example:
      chainrule doctor
    """
    from rich.table import Table
    from rich.text import Text

    from .terminal import screen

    table = Table.grid(padding=(0, 2))
    for what, how in facts():
        warn = "missing" in how or "changes how fast" in how
        table.add_row(Text(what, style="dim"), Text(how, style="yellow" if warn else ""))
    screen().print(table)
