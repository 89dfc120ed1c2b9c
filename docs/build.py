"""Write the pages of docs/ that are made from the code.

python docs/build.py          writes them
python docs/build.py --check  fails if one of them is not what the code says
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import chainrule
import chainrule.graph.errors as errors
from chainrule.ops.catalogue import CATALOGUE
from chainrule.ops.conventions import CONVENTIONS

HERE = Path(__file__).parent
MADE = "<!-- made by docs/build.py from the code; change the code, then run `make docs` -->\n\n"


def ops_page() -> str:
    """Every op: its formula, what it does to a gradient, where it comes from."""
    lines = [
        "# The ops\n",
        "What each elementwise op computes, and what it does to the gradient that arrives. "
        "Functions that are made of several ops, and those that reduce, move or contract, "
        "follow.\n",
        "| op | formula | to the gradient, it | source |",
        "|---|---|---|---|",
    ]
    rest = []
    for name, rows in sorted(CATALOGUE.items()):
        if name not in chainrule.__all__:  # an example of an op that users make themselves
            continue
        op = next((row.op for row in rows if row.op is not None), None)
        if op is None:
            rest.append(name)
            continue
        formula = op.latex.replace("#1", "x").replace("#2", "y").replace("#3", "z")
        lines.append(f"| `{name}` | ${_cell(formula)}$ | {op.words} | {op.source} |")
    others = ", ".join(f"`{name}`" for name in rest)
    return "\n".join(lines) + f"\n\n## And\n\n{others}\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\vert ").replace("\n", " ")


def conventions_page() -> str:
    """What a gradient is at kinks, ties and edges."""
    rows = [f"| {c.place} | {c.convention} | {c.reason} |" for c in CONVENTIONS]
    head = (
        "# Conventions\n\nWhat a gradient is where mathematics does not say. Each row is a test.\n"
        "\n| where | the gradient is | because |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def errors_page() -> str:
    """Every error class and its sentence."""
    tree = (errors.__doc__ or "").partition("\n\n")[2]
    return (
        "# Errors\n\nEvery error says what was asked, what was found, what to do, and the line of "
        "your code it comes from. All are below `ChainruleError`; each is also the Python error "
        f"you would look for.\n\n```\n{tree.strip()}\n```\n"
    )


def pages() -> Iterator[tuple[Path, str]]:
    """Every made page and its text."""
    made = {"ops": ops_page, "conventions": conventions_page, "errors": errors_page}
    for name, make in made.items():
        yield HERE / f"{name}.md", MADE + make()


def main() -> int:
    """Write, or with --check compare."""
    stale = [p for p, text in pages() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.name} is not what the code says; run: make docs")
        return bool(stale)
    for path, text in pages():
        path.write_text(text, "utf-8")
    print(f"written: {', '.join(p.name for p in stale) or 'nothing new'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
