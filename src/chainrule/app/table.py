"""An explanation as tables in the terminal, and as JSON."""

from __future__ import annotations

import json
from typing import Any

from ..study.numbers import block, plain, short
from ..study.steps import Step
from .explanation import Explanation

LEGEND = "downstream = upstream · local; several upstreams add up; G is the upstream gradient"


def as_json(made: Explanation) -> str:
    """The explanation for programs."""
    return json.dumps(
        {
            "expression": made.expression,
            "result": plain(made.result),
            "gradients": {n: plain(g) for n, g in made.gradients.items()},
            "steps": [
                {
                    "name": s.name,
                    "operation": s.operation,
                    "value": plain(s.value),
                    "upstream": plain(s.upstream),
                    "from": [{"node": n, "gradient": plain(g)} for n, g in s.parts],
                    "operands": [
                        {
                            "name": o.name,
                            "local": plain(o.local),
                            "downstream": plain(o.downstream),
                            "rule": o.words,
                        }
                        for o in s.operands
                    ],
                }
                for s in made.steps
            ],
            "notes": made.notes,
        },
        indent=2,
        allow_nan=False,
    )


def upstream_text(step: Step) -> str:
    """The upstream gradient, written as a sum where several nodes send a part."""
    if step.upstream is None:
        return "none"
    total = block(step.upstream)
    if len(step.parts) < 2:
        return total
    parts = [block(g) for _, g in step.parts]
    if any("\n" in p or len(p) > 24 for p in parts):
        return "\n+ ".join(parts) + f"\n= {total}"
    return " + ".join(f"({p})" if p.startswith("-") else p for p in parts) + f" = {total}"


def print_explanation(made: Explanation) -> None:
    """The explanation as tables in the terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from .terminal import screen

    console = screen()
    table = Table(box=box.SIMPLE_HEAD, title=Text(made.expression), title_justify="left")
    for heading in ("node", "operation", "value", "upstream", "to", "local", "downstream"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("node", "to"))
    for s in made.steps:
        first = [s.name, s.operation, block(s.value), upstream_text(s)]
        rows = [_way_down(o) for o in s.operands] or [("", "", "")]
        for k, row in enumerate(rows):
            cells = [*(first if k == 0 else [""] * 4), *row]
            table.add_row(*map(Text, cells), style="cyan" if s.is_variable else None)
    console.print(table)
    console.print(Text(f"result  {short(made.result, 10)}", style="bold"))
    for n, g in made.gradients.items():
        told = "0" if g is None else short(g, 10)
        console.print(Text(f"gradient of {n}  {told}", style="bold"))
    console.print(Text(LEGEND, style="dim"))
    for note in made.notes:
        console.print(Text(f"note: {note}", style="yellow"))


def _way_down(o: Any) -> tuple[str, str, str]:
    if o.downstream is None:
        return (o.name, "no gradient", "")
    return (o.name, block(o.local) if o.local is not None else o.words, block(o.downstream))
