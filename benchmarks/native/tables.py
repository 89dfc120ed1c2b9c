"""What was found, as tables, as lines, and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from plot import Plot, Row
from rich import box
from rich.console import Console
from rich.table import Table
from systems import OURS, SYSTEMS
from work import WORK

from chainrule.graph.errors import MissingExtraError

GEMM = 4e11  # operations a second: two cores of the reference machine on large products
Found = dict[str, dict[str, list[dict]]]  # work, system: what each round found


def limit(name: str) -> float:
    """Microseconds that the products of this work take by themselves."""
    return WORK[name].flops / GEMM * 1e6


def microseconds(rows: dict[str, list[dict]], system: str) -> float | None:
    """The median over the rounds."""
    return median(r["seconds"] for r in rows[system]) * 1e6 if system in rows else None


def ratio(rows: dict[str, list[dict]], ours: Sequence[str], peers: Sequence[str]) -> float | None:
    """The median over the rounds of our best over the peers' best."""
    ours, peers = ([s for s in group if s in rows] for group in (ours, peers))
    if not ours or not peers:
        return None
    rounds = range(len(rows[ours[0]]))
    return median(
        min(rows[s][k]["seconds"] for s in ours) / min(rows[s][k]["seconds"] for s in peers)
        for k in rounds
    )


def peers_of(systems: Sequence[str]) -> list[str]:
    """Those that are not ours."""
    return [s for s in systems if s not in OURS]


def agree(found: Found) -> None:
    """Stop if the systems do not compute the same."""
    for name, rows in found.items():
        values = {s: r[0]["check"] for s, r in rows.items()}
        least, most = min(values.values()), max(values.values())
        if most - least > 1e-3 * abs(most):
            raise SystemExit(f"{name}: the systems disagree: {values}")


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table whose first column is words and whose others are numbers."""
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    for k, head in enumerate(heads):
        word = max(map(len, head.split()))
        made.add_column(head, justify="right" if k else "left", no_wrap=not k, min_width=word)
    for row in rows:
        made.add_row(*row)
    return made


def times(found: Found, systems: Sequence[str]) -> Table:
    """Microseconds a step or a pass."""
    rows = [
        [name, *(_told(microseconds(of, s), ",.1f") for s in systems)] for name, of in found.items()
    ]
    heads = ["work", *(SYSTEMS[s].name for s in systems)]
    return table("µs a step or a pass, medians; float32", heads, rows)


def ratios(found: Found, systems: Sequence[str]) -> Table:
    """How we stand to the best peer, and to what the products alone would take."""
    peers, rows = peers_of(systems), []
    for name, of in found.items():
        by_call = [s for s in peers if SYSTEMS[s].by_call]
        best = min((s for s in peers if s in of), key=lambda s: microseconds(of, s), default=None)
        ours, least = [microseconds(of, s) for s in OURS if s in of], limit(name)
        rows.append([
            name, _told(ratio(of, OURS, peers), ".2f"), SYSTEMS[best].name if best else "",
            _told(ratio(of, OURS[:1], by_call), ".2f"),
            _told(least, ",.0f" if least > 9 else ".2g"),
            _told(min(ours) / least if ours else None, ",.2f"),
        ])  # fmt: skip
    heads = ["work", "ours / best peer", "best peer", "a call / best by call", "limit, µs",
             "ours / limit"]  # fmt: skip
    told = f"ratios of our best, taken inside a round; the limit: products at {GEMM / 1e9:.0f}"
    return table(f"{told} GFLOP/s", heads, rows)


def starts(found: Found, systems: Sequence[str]) -> Table:
    """Milliseconds to the first result."""
    rows = [
        [name, *(f"{median(r['first'] for r in of[s]) * 1e3:,.0f}" if s in of else ""
                 for s in systems)]
        for name, of in found.items()
    ]  # fmt: skip
    heads = ["work", *(SYSTEMS[s].name for s in systems)]
    return table("ms to the first result, imports not counted, nothing from disk", heads, rows)


def bars(found: Found, systems: Sequence[str]) -> list[str]:
    """How long we take where the best peer takes 40 marks."""
    lines = ["our best against the best peer (the line ends where the peer does)"]
    for name, rows in found.items():
        r = ratio(rows, OURS, peers_of(systems))
        if r is not None:
            full = round(40 * min(r, 1.5))
            lines.append(f"{name:>28} {'█' * full}{'·' * max(0, 40 - full)} {r:.2f}")
    return lines


def markdown(found: Found, systems: Sequence[str]) -> str:
    """The table as benchmarks/README.md has it: microseconds, the limit, our best ratio."""
    head = ["work", *(SYSTEMS[s].name for s in systems), "limit", "our best / best peer"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, rows in found.items():
        seen = [microseconds(rows, s) for s in systems]
        r = ratio(rows, OURS, peers_of(systems))
        cells = [*map(_short, seen), _short(limit(name))]
        told = "" if r is None else f"**{r:.2f}**"
        lines.append(f"| {' | '.join([name, *cells, told])} |")
    return "\n".join(lines)


def drawn(found: Found, systems: Sequence[str], path: Path) -> list[Path]:
    """The picture of the table: of the kind asked for, else SVG, and PNG where that can be made."""
    rows = [
        Row(name, {s: microseconds(of, s) for s in systems if s in of}, limit(name),
            ratio(of, OURS, peers_of(systems)))
        for name, of in found.items() if of
    ]  # fmt: skip
    names = {s: told.name for s, told in SYSTEMS.items()}
    scene = Plot(rows, names, OURS).scene("Compiled steps")
    path.parent.mkdir(parents=True, exist_ok=True)
    made = []
    for one in [path] if path.suffix else [path.with_suffix(".svg"), path.with_suffix(".png")]:
        try:
            scene.save(one)
        except MissingExtraError:
            continue
        made.append(one)
    return made


def report(found: Found, systems: Sequence[str], console: Console, path: Path) -> None:
    """The tables, the lines, and where the picture is."""
    agree(found)
    systems = [s for s in systems if any(s in rows for rows in found.values())]
    for made in (times, ratios, starts):
        console.print(made(found, systems))
    console.print("\n".join(bars(found, systems)), highlight=False)
    made = drawn(found, systems, path)
    console.print("the picture: " + ", ".join(map(str, made)), highlight=False)


def _told(number: float | None, form: str) -> str:
    return "" if number is None else format(number, form)


def _short(t: float | None) -> str:
    return "" if t is None else f"{t:.1f}" if t < 10 else f"{t:.0f}"
