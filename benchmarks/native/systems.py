"""The systems that are timed: how each is run, and why one that cannot run is left out."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from work import WORK


class System(NamedTuple):
    """What the table calls it, the module it needs, and whether one call does one step."""

    name: str
    module: str
    by_call: bool


SYSTEMS = {  # by the end of its file's name
    "chainrule": System("ours, a call a step", "chainrule", True),
    "chainrule_scan": System("ours, scan", "chainrule", False),
    "torch": System("PyTorch", "torch", True),
    "torch_compile": System("torch.compile", "torch", True),
    "jax": System("JAX jit", "jax", True),
    "jax_scan": System("JAX scan", "jax", False),
    "autograd": System("autograd", "autograd", True),
    "numpy": System("NumPy by hand", "numpy", True),
    "sklearn": System("scikit-learn", "sklearn", True),
}
OURS = ("chainrule", "chainrule_scan")
HERE = Path(__file__).parent
UNWANTED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
# Nobody's machine code is taken from disk, so that the times of first results can be compared.
GIVEN = {
    "PYTHONPATH": str(HERE), "CHAINRULE_CACHE": "0", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
}  # fmt: skip
PRODUCT = """
import numpy as np, time
a = np.ones((2048, 2048), np.float32); b = np.empty_like(a); seconds = []
for _ in range(6):
    start = time.perf_counter(); np.matmul(a, a, out=b); seconds.append(time.perf_counter() - start)
print(2 * 2048**3 / min(seconds))
"""


class UnableError(Exception):
    """A system does not run; says why, in a line."""


def python(at: str, *arguments: str, **more: str) -> str:
    """What an interpreter prints, in the shell's environment without what would slow a system."""
    kept = {k: v for k, v in os.environ.items() if k not in UNWANTED}
    try:
        made = subprocess.run(
            [at, *arguments], env=kept | GIVEN | more, capture_output=True, text=True
        )
    except OSError as found:
        raise UnableError(f"{at}: {found.strerror}") from None
    if made.returncode:
        raise UnableError(reason(made.stderr) or f"ended with {made.returncode}")
    return made.stdout


def reason(told: str) -> str:
    """The line of a traceback that says what went wrong: the last one that begins at its margin.

    >>> reason("Traceback:\\n  File x\\nKeyError: 'a'\\n\\n  hint\\n")
    "KeyError: 'a'"
    """
    lines = [line for line in told.splitlines() if line.strip() and not line[0].isspace()]
    errors = [line for line in lines if "Error" in line or "Invalid" in line]
    return (errors or lines or [""])[-1][:200]


def measure(system: str, at: str, names: list[str], **more: str) -> dict:
    """One process of a system over this work."""
    told = python(at, str(HERE / f"with_{system}.py"), *names, **more)
    return json.loads(told.strip().splitlines()[-1])


def absence(system: str, at: str) -> str | None:
    """Why a system cannot run: its module is not there, or its compiler is not."""
    module = SYSTEMS[system].module
    try:
        found = python(at, "-c", f"import importlib.util as u; print(u.find_spec({module!r}))")
        if found.strip() == "None":
            return f"{module} is not installed"
        if system == "torch_compile":  # needs a C++ compiler, and Python's headers
            measure(system, at, [next(iter(WORK))])
    except UnableError as told:
        return str(told)
    return None


def environment(where: dict[str, str]) -> str:
    """The machine, the versions, and how fast large products are here."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), cpu)
    known = []
    for package in ("chainrule", "numpy", "llvmlite", "torch", "jax", "autograd", "scikit-learn"):
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    for module, at in sorted({(SYSTEMS[s].module, at) for s, at in where.items()}):
        if at != sys.executable:
            code = f"from importlib.metadata import version; print(version({module!r}))"
            known.append(f"{module} {python(at, '-c', code).strip()} (by its own Python)")
    rate = float(python(sys.executable, "-c", PRODUCT)) / 1e9
    return (
        f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}; {', '.join(known)}; "
        f"2048³ products by NumPy: {rate:.0f} GFLOP/s"
    )
