"""Time compiled training steps and recurrent gradients against every peer, and print ratios.

    python benchmarks/native/run.py [--rounds 7] [--only LSTM] [--at jax=/path/to/python] [--out F]

Each system runs in a process of its own, in turn, round after round; OPENBLAS_CORETYPE and
OPENBLAS_L2_SIZE are unset. A ratio is taken inside a round, and the median of the rounds counts.
A system runs by this interpreter, or by another one that `--at` names; one that is not there is
left out. Our own object code is not taken from disk, except where that is what is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from work import WORK

from chainrule.graph.errors import MissingExtraError

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "pictures" / "native.svg"
OURS = ("chainrule", "chainrule_scan")
# file: (what the table calls it, the module it needs, whether one call does one step)
SYSTEMS = {
    "chainrule": ("ours, a call a step", "chainrule", True),
    "chainrule_scan": ("ours, scan", "chainrule", False),
    "torch": ("PyTorch", "torch", True),
    "torch_compile": ("torch.compile", "torch", True),
    "jax": ("JAX jit", "jax", True),
    "jax_scan": ("JAX scan", "jax", False),
    "autograd": ("autograd", "autograd", True),
    "numpy": ("NumPy by hand", "numpy", True),
    "sklearn": ("scikit-learn", "sklearn", True),
}
GEMM = 4e11  # operations a second: two cores of the reference machine on large products
UNWANTED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
FROM_DISK = "784-512-256-10, batch 128"
Found = dict[str, dict[str, list[dict]]]  # work, system: what each round found


def python(at: str, *arguments: str, **more: str) -> str:
    """What an interpreter prints, in the shell's environment without what would slow a system."""
    kept = {k: v for k, v in os.environ.items() if k not in UNWANTED}
    kept |= {"PYTHONPATH": str(HERE), "CHAINRULE_CACHE": "0"} | more
    made = subprocess.run([at, *arguments], env=kept, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {made.stderr[-2000:]}")
    return made.stdout


def measure(system: str, at: str, names: list[str], **more: str) -> dict:
    """One process of a system over this work."""
    told = python(at, str(HERE / f"with_{system}.py"), *names, **more)
    return json.loads(told.strip().splitlines()[-1])


def there(system: str, at: str) -> bool:
    """Whether a system can run: its module is there, and its first step works."""
    code = f"import importlib.util as u; print(u.find_spec({SYSTEMS[system][1]!r}) is not None)"
    try:
        if python(at, "-c", code).strip() != "True":
            return False
        return system != "torch_compile" or bool(measure(system, at, [next(iter(WORK))]))
    except (RuntimeError, OSError):
        return False


def rounds_of(count: int, systems: dict[str, str], names: list[str], console: Console) -> Found:
    """For every piece of work and system, what each round found."""
    found: Found = {name: {} for name in names}
    with Progress(transient=True, console=console) as bar:
        task = bar.add_task("timing", total=count * len(systems))
        for _ in range(count):
            for system, at in systems.items():
                for name, result in measure(system, at, names).items():
                    found[name].setdefault(system, []).append(result)
                bar.advance(task)
    return found


def ratio(rows: dict[str, list[dict]], ours: list[str], peers: list[str]) -> float | None:
    """The median over the rounds of our best over the peers' best."""
    ours, peers = ([s for s in group if s in rows] for group in (ours, peers))
    if not ours or not peers:
        return None
    rounds = range(len(rows[ours[0]]))
    return median(
        min(rows[s][k]["seconds"] for s in ours) / min(rows[s][k]["seconds"] for s in peers)
        for k in rounds
    )


def agree(found: Found) -> None:
    """Stop if the systems do not compute the same."""
    for name, rows in found.items():
        values = {s: r[0]["check"] for s, r in rows.items()}
        least, most = min(values.values()), max(values.values())
        if most - least > 1e-3 * abs(most):
            raise SystemExit(f"{name}: the systems disagree: {values}")


def times(found: Found, systems: list[str]) -> Table:
    """Microseconds a step or a pass, and our ratios."""
    peers = [s for s in systems if s not in OURS]
    table = Table(title="µs, medians; float32; ratios of our best to the peers' best")
    table.add_column("work")
    for s in systems:
        table.add_column(SYSTEMS[s][0], justify="right")
    for what in ("best / best peer", "a call / best peer by call", "limit", "best / limit"):
        table.add_column(what, justify="right")
    for name, rows in found.items():
        seen = {s: median(r["seconds"] for r in rows[s]) * 1e6 for s in systems if s in rows}
        limit = WORK[name].flops / GEMM * 1e6
        by_call = [s for s in peers if SYSTEMS[s][2]]
        row = [f"{seen[s]:,.1f}" if s in seen else "" for s in systems]
        row += [_told(ratio(rows, list(OURS), peers)), _told(ratio(rows, [OURS[0]], by_call))]
        ours = [seen[s] for s in OURS if s in seen]
        row += [f"{limit:,.1f}", _told(min(ours) / limit if ours else None)]
        table.add_row(name, *row)
    return table


def starts(found: Found, systems: list[str]) -> Table:
    """Milliseconds to the first result, and what the work adds to the peak of memory."""
    table = Table(title="first result, ms (imports of the system not counted)")
    table.add_column("work")
    for s in systems:
        table.add_column(SYSTEMS[s][0], justify="right")
    for name, rows in found.items():
        told = [
            f"{median(r['first'] for r in rows[s]) * 1e3:,.0f}" if s in rows else ""
            for s in systems
        ]
        table.add_row(name, *told)
    return table


def bars(found: Found, systems: list[str]) -> list[str]:
    """The plot: how long we take where the best peer takes 40 marks."""
    peers = [s for s in systems if s not in OURS]
    lines = ["our best against the best peer (the line ends where the peer does)"]
    for name, rows in found.items():
        r = ratio(rows, list(OURS), peers)
        if r is not None:
            full = round(40 * min(r, 1.5))
            lines.append(f"{name:>28} {'█' * full}{'·' * max(0, 40 - full)} {r:.2f}")
    return lines


def drawn(found: Found, systems: list[str], path: Path) -> list[Path]:
    """The picture of the table, as SVG, and as PNG where that can be written."""
    from plot import Plot, Row

    peers = [s for s in systems if s not in OURS]
    rows = [
        Row(name, {s: median(r["seconds"] for r in rounds) * 1e6 for s, rounds in of.items()},
            WORK[name].flops / GEMM * 1e6, ratio(of, list(OURS), peers))
        for name, of in found.items() if of
    ]  # fmt: skip
    scene = Plot(rows, {s: told for s, (told, *_) in SYSTEMS.items()}, OURS).scene("Compiled steps")
    path.parent.mkdir(parents=True, exist_ok=True)
    made = []
    for one in (path.with_suffix(".svg"), path.with_suffix(".png")):
        try:
            scene.save(one)
        except MissingExtraError:
            continue
        made.append(one)
    return made


def from_disk(at: str) -> tuple[float, float]:
    """Milliseconds to the first result of a network's step: compiled, and loaded from disk."""
    with tempfile.TemporaryDirectory() as folder:
        more = {"CHAINRULE_CACHE": "1", "CHAINRULE_CACHE_DIR": folder}
        made = [measure("chainrule", at, [FROM_DISK], **more)[FROM_DISK] for _ in range(4)]
    return made[0]["first"] * 1e3, median(m["first"] for m in made[1:]) * 1e3


def memory(systems: dict[str, str]) -> str:
    """How much a step of the largest network adds to the peak of a fresh process, in MB."""
    name = "1024⁵, batch 256"
    found = {s: measure(s, at, [name])[name]["memory"] / 1e6 for s, at in systems.items()}
    return ", ".join(f"{SYSTEMS[s][0]} {m:.0f}" for s, m in found.items())


def _told(r: float | None) -> str:
    return "" if r is None else f"{r:.2f}"


def elsewhere(systems: dict[str, str]) -> str:
    """The versions of systems that run by another interpreter."""
    told = ""
    for module, at in sorted({(SYSTEMS[s][1], at) for s, at in systems.items()}):
        if at != sys.executable:
            code = f"from importlib.metadata import version; print(version({module!r}))"
            told += f", {module} {python(at, '-c', code).strip()} (by its own Python)"
    return told


def environment() -> str:
    """The machine and the versions."""
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
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}; " + ", ".join(known)


def markdown(found: Found, systems: list[str]) -> str:
    """The table as benchmarks/README.md has it: microseconds, the limit, our best ratio."""
    peers = [s for s in systems if s not in OURS]
    head = ["work", *(SYSTEMS[s][0] for s in systems), "limit", "our best / best peer"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, rows in found.items():
        seen = [median(r["seconds"] for r in rows[s]) * 1e6 if s in rows else None for s in systems]
        r = ratio(rows, list(OURS), peers)
        cells = [*map(_short, seen), _short(WORK[name].flops / GEMM * 1e6)]
        lines.append(f"| {' | '.join([name, *cells, f'**{_told(r)}**' if r else ''])} |")
    return "\n".join(lines)


def _short(t: float | None) -> str:
    return "" if t is None else f"{t:.1f}" if t < 10 else f"{t:.0f}"


def report(found: Found, systems: list[str], console: Console, path: Path) -> None:
    """The tables, the plot, and where the picture is."""
    agree(found)
    console.print(times(found, systems))
    console.print(starts(found, systems))
    console.print("\n".join(bars(found, systems)), highlight=False)
    made = drawn(found, systems, path)
    console.print("the picture: " + ", ".join(map(str, made)), highlight=False)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="work whose name contains this")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="which, with commas between")
    parser.add_argument("--at", action="append", default=[], help="jax=/path/to/python")
    parser.add_argument("--out", type=Path, help="all numbers, as JSON")
    parser.add_argument("--of", type=Path, help="such numbers: they are shown, nothing is timed")
    parser.add_argument("--plot", type=Path, help="the picture; else beside --out, or in pictures/")
    parser.add_argument("--markdown", action="store_true", help="the table for a document as well")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    given = arguments()
    at = dict(one.split("=", 1) for one in given.at)
    console = Console(width=max(190, Console().width))
    beside = given.out or given.of
    path = given.plot or (beside.with_suffix(".svg") if beside else PICTURE)
    asked = [s for s in given.systems.split(",") if s in SYSTEMS]
    where = {s: at.get(SYSTEMS[s][1], sys.executable) for s in asked}
    if given.of:
        found = {k: v for k, v in json.loads(given.of.read_text()).items() if given.only in k}
        systems = dict.fromkeys(s for s in asked if any(s in rows for rows in found.values()))
    else:
        systems = {s: p for s, p in where.items() if there(s, p)}
        missing = [SYSTEMS[s][0] for s in asked if s not in systems]
        console.print(environment() + elsewhere(systems))
        if missing:
            console.print(f"not there, left out: {', '.join(missing)}")
        names = [n for n in WORK if given.only in n]
        found = rounds_of(given.rounds, systems, names, console)
        if given.out:
            given.out.write_text(json.dumps(found, indent=1))
    report(found, list(systems), console, path)
    if given.markdown:
        print(markdown(found, list(systems)))
    if not given.only and not given.of:
        cold, warm = from_disk(where.get("chainrule", sys.executable))
        console.print(f"{FROM_DISK}: first result {cold:.0f} ms, from disk {warm:.0f} ms")
        console.print(f"memory that a step of 1024⁵ adds, MB: {memory(systems)}")


if __name__ == "__main__":
    main()
