"""All there is to see of one computation, on one page that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import ChainruleError
from ..read.code import code
from ..study.numbers import block, number, short
from ..study.paths import paths
from ..study.steps import Operand, Step
from ..study.trace import Trace, trace
from .play.page import fragment, head, script
from .svg import element, text

FEW = 6  # elements of a gradient that are shown at the top
SMALL = 24  # nodes up to which every path and every card is shown open
STYLE = """
.ex main { max-width: 72rem; }
.ex .lead { color: var(--soft); margin: .35rem 0 0; }
.ex nav { position: sticky; top: 0; z-index: 2; background: var(--page); padding: .7rem 0;
  margin: 1rem 0 0; border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap;
  gap: .2rem .4rem; font: .95rem/1.4 system-ui, sans-serif; }
.ex nav a { color: var(--ink); text-decoration: none; padding: .3rem .7rem; border-radius: 8px;
  border: 1px solid var(--line); background: var(--card); }
.ex nav a:hover { background: var(--band); border-color: var(--soft); }
.ex nav a:focus-visible { outline: 2px solid var(--highlight); outline-offset: 1px; }
.ex section { margin: 2.2rem 0 0; scroll-margin-top: 4rem;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
.ex h2 { font: 650 1.2rem/1.3 system-ui, sans-serif; margin: 0 0 .2rem; }
.ex section > p { color: var(--soft); margin: 0 0 .8rem; max-width: 75ch; }
.ex .sheet { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: .9rem 1.1rem; overflow-x: auto; }
.ex table.steps { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .94rem; }
.ex .steps th, .ex .steps td { text-align: left; vertical-align: top; white-space: pre;
  padding: .4rem .9rem .4rem 0; }
.ex .steps tbody tr.first > * { border-top: 1px solid var(--line); }
.ex .steps thead th { color: var(--soft); font-weight: 500; font-size: .86rem; }
.ex .steps .name { font-weight: 600; }
.ex .steps .given .name { color: var(--weight); }
.ex .steps .v { color: var(--value); }
.ex .steps .g { color: var(--grad); }
.ex .steps .l { color: var(--local); }
.ex .steps .v, .ex .steps .g { position: relative; padding-left: 1.3em; }
.ex .steps .v::before, .ex .steps .g:not(:empty)::before { position: absolute; left: 0; }
.ex .steps .v::before { content: "→"; } .ex .steps .g:not(:empty)::before { content: "←"; }
.ex .steps .rule { color: var(--soft); font-size: .9em; white-space: normal; min-width: 9rem; }
.ex .steps th:nth-child(3), .ex .steps th:nth-child(4), .ex .steps th:nth-child(7) {
  padding-left: 1.1em; }
.ex .figures { display: grid; gap: .7rem; margin: 1.1rem 0 0;
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", sans-serif;
  grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); }
.ex .figure { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: .6rem .9rem; overflow-wrap: anywhere; }
.ex .figure b { display: block; font-weight: 500; color: var(--soft); font-size: .88rem; }
.ex .figure span { font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.ex .long { font-size: .95rem !important; }
.ex pre { margin: 0; font: .87rem/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace;
  white-space: pre; overflow-x: auto; tab-size: 4; }
.ex details summary { cursor: pointer; color: var(--soft); padding: .2rem 0; }
.ex .missing { color: var(--soft); font-style: italic; margin: 0; }
.ex .notes { margin: 1rem 0 0; padding: .6rem 1rem .6rem 2rem; background: var(--glow);
  border-radius: 10px; }
.ex footer { margin: 3rem 0 0; color: var(--soft); font: .9rem system-ui, sans-serif; }
.ex .cr-derive { border: 1px solid var(--line); border-radius: 12px; max-width: none; }
.ex .cr-derive h2 { font-size: 1.05rem; }
@media print { .ex nav { display: none; } .ex section { break-inside: avoid-page; } }
"""


@dataclass(frozen=True)
class Part:
    """A section of the page: its heading, what it is about, and how it is made."""

    ident: str
    title: str
    words: str
    make: Callable[[Tensor, Any, Trace], str]


def explained_page(
    loss: Tensor, title: str = "", wrt: Sequence[Tensor] | None = None, notes: Sequence[str] = ()
) -> str:
    """The numbers, the picture, the derivation, the paths, the code and the transcript of `loss`.

    What cannot be made of this computation (too large, an op without a word in NumPy) says so in
    its place. Names and lines are the user's: they are shown, never run.
    Shapes: `loss` is one number.
    Raises: ScalarError, DTypeError, PathError.

    >>> import chainrule as cr
    >>> x = cr.tensor(2.0, name="</title><script>")
    >>> page = explained_page(x * x, "a square")
    >>> page.startswith("<!doctype html>"), "</title><script>" in page, "src=" in page
    (True, False, False)
    """
    told = trace(loss, None if wrt is None else list(wrt))
    links = "".join(f'<a href="#{p.ident}">{text(p.title)}</a>' for p in PARTS)
    parts = "\n".join(_section(p, loss, wrt, told) for p in PARTS)
    name = title or "A computation"
    lead = f"{sum(not s.is_variable for s in told.steps):,} operations on " + _listed(told)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{head()}<style>{STYLE}</style><title>{text(name)}</title></head>\n"
        f'<body class="cr-page ex"><main><h1>{text(name)}</h1>'
        f'<p class="lead">{text(lead)}</p>{_results(told)}{_notes(notes)}'
        f'<nav aria-label="Sections">{links}</nav>{parts}'
        "<footer>Written by chainrule. This file needs no network.</footer>"
        f"</main>\n{script()}</body></html>\n"
    )


def _listed(told: Trace) -> str:
    names = [s.name for s in told.steps if s.is_variable]
    if len(names) > 8:
        return f"{len(names)} variables"
    return ", ".join(names) or "no variables"


def _results(told: Trace) -> str:
    cards = [("result", told.result)]
    cards += [(f"gradient of {n}", 0.0 if g is None else g) for n, g in told.gradients.items()]
    made = ""
    for what, value in cards:
        few = np.size(value) <= FEW
        shown = short(value, 7 if np.size(value) == 1 else 4) if few else _range(value)
        long = ' class="long"' if len(shown) > 14 else ""
        made += f'<div class="figure"><b>{text(what)}</b><span{long}>{text(shown)}</span></div>'
    return f'<div class="figures">{made}</div>'


def _range(value: Any) -> str:
    x = np.asarray(value)
    return f"{' × '.join(map(str, x.shape))}, {number(x.min(), 3)} … {number(x.max(), 3)}"


def _notes(notes: Sequence[str]) -> str:
    items = "".join(element("li", text(n)) for n in notes)
    return f'<ul class="notes">{items}</ul>' if notes else ""


def _section(part: Part, loss: Tensor, wrt: Any, told: Trace) -> str:
    try:
        inside = part.make(loss, wrt, told)
    except ChainruleError as error:
        why = str(error).split("\n  made at")[0]
        inside = f'<p class="missing">Not shown here. {text(why)}</p>'
    return (
        f'<section id="{part.ident}"><h2>{text(part.title)}</h2><p>{text(part.words)}</p>'
        f"{inside}</section>"
    )


# ------------------------------------------------------------------ the parts


def _picture(loss: Tensor, wrt: Any, told: Trace) -> str:
    from .animate import animate
    from .draw import draw

    try:
        scene = animate(loss) if wrt is None else animate(loss, wrt=list(wrt))
    except ChainruleError:
        scene = draw(loss)  # too large to be played, but it can be folded
    return fragment(scene, "picture", whole=False, titled=False)


def _numbers(loss: Tensor, wrt: Any, told: Trace) -> str:
    head = "".join(
        f'<th scope="col">{x}</th>'
        for x in ("node", "operation", "value", "upstream", "to", "local", "downstream")
    )
    rows = "".join(_rows(s) for s in told.steps)
    return (
        f'<div class="sheet"><table class="steps"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _rows(s: Step) -> str:
    ways = [_way(o) for o in s.operands] or ["<td></td>" * 3]
    tall = f' rowspan="{len(ways)}"' if len(ways) > 1 else ""
    line = f' title="{text(f"{s.line}  {s.line.source}")}"' if s.line is not None else ""
    first = (
        f'<th class="name" scope="row"{tall}{line}>{text(s.name)}</th>'
        f"<td{tall}>{text(s.operation)}</td>"
        f'<td class="v"{tall}>{text(block(s.value))}</td>'
        f'<td class="g"{tall}>{text(_upstream(s))}</td>'
    )
    kind = "first given" if s.is_variable else "first"
    made = f'<tr class="{kind}">{first}{ways[0]}</tr>'
    return made + "".join(f"<tr>{way}</tr>" for way in ways[1:])


def _upstream(s: Step) -> str:
    if s.upstream is None:
        return ""
    total = block(s.upstream)
    parts = [block(g) for _, g in s.parts]
    if len(parts) < 2 or any("\n" in p or len(p) > 24 for p in parts):
        return total
    return " + ".join(f"({p})" if p.startswith("-") else p for p in parts) + f" = {total}"


def _way(o: Operand) -> str:
    if o.downstream is None:
        return f'<td>{text(o.name)}</td><td class="rule">no gradient</td><td></td>'
    local = (
        f'<td class="l">{text(block(o.local))}</td>' if o.local is not None
        else f'<td class="rule">{text(o.words)}</td>'
    )  # fmt: skip
    return f'<td>{text(o.name)}</td>{local}<td class="g">{text(block(o.downstream))}</td>'


def _derivation(loss: Tensor, wrt: Any, told: Trace) -> str:
    from ..study.derive import derive

    return derive(loss, None if wrt is None else list(wrt))._repr_html_()


def _paths(loss: Tensor, wrt: Any, told: Trace) -> str:
    return _pre(str(paths(loss, None if wrt is None else list(wrt))), len(told.steps) <= SMALL)


def _code(loss: Tensor, wrt: Any, told: Trace) -> str:
    return _pre(code(loss, None if wrt is None else list(wrt)), True)


def _transcript(loss: Tensor, wrt: Any, told: Trace) -> str:
    return _pre(told.transcript(places=False), len(told.steps) <= SMALL)


def _pre(inside: str, whole: bool) -> str:
    made = f'<div class="sheet"><pre tabindex="0">{text(inside.rstrip())}</pre></div>'
    count = np.size(inside.splitlines())
    return made if whole else f"<details><summary>{count:,} lines</summary>{made}</details>"


PARTS = (
    Part("picture", "The picture", "Forward, values green above the lines; backward, gradients "
         "red below them.", _picture),
    Part("numbers", "Every number", "Downstream = upstream · local; several upstreams add up; G "
         "is the upstream gradient.", _numbers),
    Part("derivation", "The derivation", "The same gradients on paper.", _derivation),
    Part("paths", "Every path", "The gradient is the sum over all paths of the products along "
         "them; backpropagation shares what they have in common.", _paths),
    Part("code", "The code", "Forward and backward pass, as one would write them by hand. It "
         "runs by itself.", _code),
    Part("transcript", "The transcript", "Both passes told step by step.", _transcript),
)  # fmt: skip
