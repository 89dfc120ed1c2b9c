"""The report of a training run: one HTML file that needs no network and no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..study.diagnosis import advice, shown
from .chart import Series, chart
from .svg import element, style, text

PAGE = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
p { margin: .3rem 0; max-width: 75ch; }
.soft { color: var(--soft); }
.cards, .pair { display: grid; gap: 1rem; margin: 1.4rem 0; }
.cards { grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); }
.pair { grid-template-columns: repeat(auto-fit, minmax(min(29rem, 100%), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1rem 1.15rem; min-width: 0; overflow-x: auto; }
section { margin: 1rem 0; }
.big { font-size: 1.65rem; font-weight: 650; font-variant-numeric: tabular-nums; }
svg { display: block; max-width: 100%; height: auto; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.4rem; margin-top: .8rem; }
.drawn { flex: 1 1 29rem; min-width: 0; }
.wide { overflow-x: auto; }
.wide svg { max-width: max(100%, calc(var(--wide) * .64px)); margin: 0 auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; }
thead th { color: var(--soft); font-weight: 500; font-size: .9rem; }
td.n, th.n { text-align: right; }
tr:last-child > * { border-bottom: 0; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
ul { margin: .3rem 0; padding-left: 1.2rem; }
footer { margin-top: 2rem; color: var(--soft); font-size: .9rem; }
code { font: .92em ui-monospace, "SF Mono", Consolas, monospace; }
@media print { body { background: none; }
  .card { break-inside: avoid; } .wide svg { max-width: 100%; } }
"""


@dataclass(frozen=True)
class Pictures:
    """Pictures that belong together, and what there is to see."""

    title: str
    told: str
    svgs: tuple[str, ...]


@dataclass
class Report:
    """All that a report shows, as plain data."""

    title: str
    summary: str
    figures: list[tuple[str, str]]  # the few numbers on top: what, how much
    rows: list[dict[str, Any]]  # the history, a dict an epoch
    metric: str  # the name of the validation metric to draw
    health: list[dict[str, Any]]  # a row a layer: layer, verdict, and its figures
    network: str  # SVG
    settings: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    pictures: Sequence[Pictures] = ()  # of the training


def page(report: Report) -> str:
    """The report as a whole HTML document.

    >>> made = Report("A run", "It went well.", [("test accuracy", "0.98")],
    ...               [{"epoch": 1, "loss": 0.5, "gradient_norms": {"0": 0.1}}], "accuracy",
    ...               [], "<svg></svg>", [("epochs", "1")])
    >>> html = page(made)
    >>> html.startswith("<!doctype html>") and "<script" not in html
    True
    """
    body = "".join((
        element("h1", text(report.title)),
        element("p", text(report.summary), class_="soft"),
        _cards(report.figures),
        _curves(report),
        _health(report.health),
        *map(_pictures, report.pictures),
        _notes(report.notes),
        _network(report.network),
        _settings(report.settings),
        element("footer", "Written by chainrule. This file needs no network and runs no script."),
    ))  # fmt: skip
    return _document(report.title, body)


def panels(title: str, told: Sequence[str], svgs: Sequence[str]) -> str:
    """A whole HTML document of pictures that stand side by side where the window has room.

    >>> panels("Two runs", ["One is better."], ["<svg></svg>"]).count('class="card"')
    1
    """
    cards = "".join(element("div", svg, class_="card") for svg in svgs)
    lead = "".join(element("p", text(words), class_="soft") for words in told)
    drawn = element("section", cards, class_="pair")
    return _document(title, element("h1", text(title)) + lead + drawn)


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{text(title)}</title><style>{style()}{PAGE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _cards(figures: Sequence[tuple[str, str]]) -> str:
    cards = [
        element("div", element("div", text(what), class_="soft") +
                element("div", text(value), class_="big"), class_="card")
        for what, value in figures
    ]  # fmt: skip
    return element("div", "".join(cards), class_="cards")


def _curves(report: Report) -> str:
    rows = report.rows
    if not rows:
        return element("p", "No epoch was completed, so there is no curve.", class_="card")
    epochs = [r["epoch"] for r in rows]

    def column(name: str, key: str) -> list[Series]:
        ys = [r.get(key) for r in rows]
        return [Series(name, epochs, ys)] if any(y is not None for y in ys) else []

    loss = column("training", "loss") + column("validation", "val_loss")
    metric = column("training", report.metric) + column("validation", f"val_{report.metric}")
    charts = [chart("Loss", loss, "epoch", "loss", "loss", log=_wide(loss))]
    if metric:
        name = NAMES.get(report.metric, report.metric)
        charts.append(chart(name[0].upper() + name[1:], metric, "epoch", name, "metric"))
    cards = "".join(element("div", c, class_="card") for c in charts)
    pair = element("section", cards, class_="pair")
    return pair + _norms(rows, epochs)


def _norms(rows: Sequence[dict[str, Any]], epochs: Sequence[int]) -> str:
    layers = list(dict.fromkeys(k for r in rows for k in r.get("gradient_norms", {})))
    norms = [
        Series(f"layer {k}", epochs, [r.get("gradient_norms", {}).get(k) for r in rows])
        for k in layers
    ]
    if not norms:
        return ""
    told = "norm, mean of the epoch"
    drawn = chart("Gradient norm of each layer", norms, "epoch", told, "norms", True, 1050)
    return element("section", drawn, class_="card")


def _wide(series: Sequence[Series]) -> bool:
    """Whether a logarithmic axis is needed to see where the loss ends."""
    ys = [y for s in series for y in s.ys if y is not None and y == y]
    return bool(ys) and min(ys) > 0 and max(ys) / min(ys) > 30


NAMES = {
    "r2": "R²", "mae": "mean absolute error", "commonest_class": "the commonest class alone",
    "mae_of_the_mean": "the mean alone",
}  # fmt: skip
COLUMNS = (
    ("norm", "gradient norm"), ("ratio", "update / weight"), ("zero", "zero gradients"),
    ("dead", "dead units"), ("saturated", "saturated units"),
)  # fmt: skip


def _health(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    head = element("th", "layer", scope="col") + element("th", "verdict", scope="col")
    head += "".join(element("th", title, scope="col", class_="n") for _, title in COLUMNS)
    lines = []
    for row in rows:
        good = row["verdict"] == "healthy"
        mark = "✓" if good else "!"
        cells = element("th", text(str(row["layer"])), scope="row")
        cells += element("td", text(f"{mark} {row['verdict']}"), class_="good" if good else "bad")
        for key, _ in COLUMNS:
            cells += element("td", text(shown(key, row.get(key))), class_="n")
        lines.append(element("tr", cells))
    table = element("table", element("thead", element("tr", head)) +
                    element("tbody", "".join(lines)))  # fmt: skip
    told = (
        "Figures of the last step. A gradient is called vanishing or exploding where its norm is "
        "10,000 times below or above the last layer's; a unit is dead that fires for no "
        "example, and saturated where its slope is under 5 % of the largest."
    )
    inner = element("h2", "Health of the gradients") + table
    inner += "".join(element("p", text(what[:1].upper() + what[1:] + ".")) for what in advice(rows))
    inner += element("p", told, class_="soft")
    return element("section", inner, class_="card")


def _pictures(one: Pictures) -> str:
    inner = element("h2", text(one.title)) + element("p", text(one.told), class_="soft")
    drawn = "".join(element("div", svg, class_="drawn") for svg in one.svgs)
    return element("section", inner + element("div", drawn, class_="pictures"), class_="card")


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(element("li", text(n)) for n in notes)
    return element("section", element("h2", "The data") + element("ul", items), class_="card")


def _network(svg: str) -> str:
    told = (
        "The computation that was differentiated, folded layer by layer, for one batch. Over a "
        "line stands the shape of the value; the parameters are in the boxes. The gradients take "
        "the same way back, from the loss to the left."
    )
    inner = element("h2", "The network's graph") + element("p", told, class_="soft")
    size = re.match(r'<svg[^>]*? width="([\d.]+)"', svg)  # a wide one is made smaller, to a point
    drawn = element("div", svg, class_="wide", style=f"--wide: {size[1] if size else 0}")
    return element("section", inner + drawn, class_="card")


def _settings(settings: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        element("tr", element("th", text(k), scope="row") + element("td", text(v) or "–"))
        for k, v in settings
    )
    inner = element("h2", "Settings") + element("table", element("tbody", rows))
    return element("section", inner, class_="card")
