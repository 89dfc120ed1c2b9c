"""Charts, drawings and the report: well formed, escaped, and true to their data."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule as cr
from chainrule.show.chart import Series, chart
from chainrule.show.draw import draw
from chainrule.show.page import Report, page
from chainrule.show.svg import DARK, INKS, LIGHT
from chainrule.show.ticks import linear_ticks, log_ticks, tick_text

NASTY = "<script>alert(1)</script>&\"'\x07"
RANGES = [
    (0, 1),
    (-3, 7),
    (0.001, 0.0012),
    (1e-9, 1e9),
    (5, 5),
    (0, 0),
    (-1e-12, 1e-12),
    (1e15, 2e15),
]


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_linear_ticks_span_the_data_and_rise(low, high):
    ticks = linear_ticks(low, high)
    assert ticks[0] <= low + 1e-9 * abs(low)
    assert ticks[-1] >= high - 1e-9 * abs(high)
    assert np.all(np.diff(ticks) > 0)
    assert len({tick_text(t) for t in ticks}) == len(ticks) <= 12


@pytest.mark.parametrize(("low", "high"), [(1e-3, 1), (1, 1), (2, 3), (1e-30, 1e30), (0.9, 1.1)])
def test_logarithmic_ticks_span_the_data(low, high):
    ticks = log_ticks(low, high)
    assert ticks[0] <= low * (1 + 1e-9)
    assert ticks[-1] >= high * (1 - 1e-9)
    assert 2 <= len(ticks) <= 9


SERIES = {
    "plain": [Series("a", [1, 2, 3], [3.0, 1.0, 2.0])],
    "none": [],
    "empty": [Series("a", [], [])],
    "one point": [Series("a", [1], [0.5])],
    "constant": [Series("a", [1, 2], [0.0, 0.0])],
    "gaps": [Series("a", [1, 2, 3, 4], [1.0, float("nan"), None, float("inf")])],
    "never above zero": [Series("a", [1, 2], [0.0, -1.0])],
    "nasty": [Series(NASTY, [1, 2], [1.0, 2.0])],
    "many": [Series(f"layer {k}", [1, 2], [10.0**-k, 1.0]) for k in range(30)],
}


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("kind", SERIES)
def test_every_chart_is_well_formed_and_told_in_words(kind, log):
    root = ElementTree.fromstring(chart(NASTY, SERIES[kind], "epoch", "loss", "c", log))
    names = [e.tag.rpartition("}")[2] for e in root]
    assert names[:2] == ["title", "desc"]
    assert "script" not in [e.tag.rpartition("}")[2] for e in root.iter()]
    assert root.get("role") == "img"


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("kind", SERIES)
def test_every_curve_lies_inside_its_chart(kind, log):
    root = ElementTree.fromstring(chart("t", SERIES[kind], "epoch", "loss", "c", log, 500, 300))
    curves = [e.get("d") for e in root.iter() if e.get("class") == "curve" and e.get("d")]
    points = np.array(re.findall(r"[ML]([-\d.]+) ([-\d.]+)", " ".join(curves)), float).reshape(
        -1, 2
    )
    assert np.all((points >= 0) & (points <= [500, 300]))


def test_legend_entries_do_not_overlap():
    root = ElementTree.fromstring(chart("t", SERIES["many"], "epoch", "norm", "c", True))
    labels = [
        (float(e.get("y")), float(e.get("x")), len(e.text))
        for e in root.iter() if (e.text or "").startswith("layer ") and e.get("y")
    ]  # fmt: skip
    assert len(labels) == 30
    gaps = [b[1] - a[1] - 6 * a[2] for a, b in pairwise(labels) if a[0] == b[0]]
    assert min(gaps) > 30
    assert max(x + 6 * size for _, x, size in labels) < 520


def test_two_curves_differ_in_more_than_colour():
    svg = chart("t", SERIES["many"][:8], "epoch", "norm", "c")
    assert len(set(re.findall(r'<path[^>]*?(?:stroke-dasharray="[^"]*")?/>', svg))) == 8


def contrast(a, b):
    def light(c):
        parts = [int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [0, 1])
@pytest.mark.parametrize("ground", ["page", "card", "band"])
@pytest.mark.parametrize("ink", ["ink", "soft", "good", "bad"])
def test_text_is_dark_enough_on_light_and_light_enough_on_dark(ink, ground, dark):
    assert contrast(INKS[ink][dark], INKS[ground][dark]) >= 4.5


@pytest.mark.parametrize("dark", [0, 1])
def test_curves_stand_out_from_their_ground(dark):
    assert min(contrast(c, INKS["card"][dark]) for c in (LIGHT, DARK)[dark]) >= 3


def model(depth=2):
    layers = [x for _ in range(depth) for x in (cr.nn.Linear(3, 3), cr.nn.ReLU())]
    return cr.nn.Sequential(*layers, cr.nn.Linear(3, 2))


def drawn(net, fold):
    x, y = np.ones((4, 3), np.float32), np.zeros(4, np.int64)
    made = draw(net, x, y, loss="cross_entropy", shapes=True, gradients=False, fold=fold)
    return ElementTree.fromstring(made.svg)


def of_class(root, name):
    return [e for e in root.iter() if name in (e.get("class") or "").split()]


def test_the_network_is_drawn_layer_by_layer_with_every_parameter():
    root = drawn(model(), fold=False)
    told = "".join(root.itertext())
    assert all(name in told for name in model().named_parameters())
    assert len(of_class(root, "open")) == 5 + 1


def test_a_folded_network_has_a_box_for_each_layer_and_one_for_the_loss():
    root = drawn(model(depth=40), fold=True)
    assert len(of_class(root, "folded")) == 2 * 40 + 1 + 1


def test_no_two_shapes_of_a_drawing_overlap():
    boxes = [
        [float(e.get(k)) for k in ("x", "y", "width", "height")]
        for e in of_class(drawn(model(), fold=False), "shape")
    ]
    apart = [
        a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
        for k, a in enumerate(boxes) for b in boxes[:k]
    ]  # fmt: skip
    assert len(boxes) > 12
    assert all(apart)


class Tags(HTMLParser):
    """Which elements open, and which attributes they have."""

    def __init__(self):
        super().__init__()
        self.found, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs


def report(**changes):
    plain = {
        "title": NASTY, "summary": NASTY, "figures": [(NASTY, NASTY)],
        "rows": [{"epoch": 1, "loss": float("nan"), "gradient_norms": {NASTY: 0.0}}],
        "metric": "accuracy", "network": "<svg></svg>", "settings": [(NASTY, NASTY)],
        "health": [{"layer": NASTY, "verdict": NASTY, "norm": float("nan")}], "notes": [NASTY],
    }  # fmt: skip
    return page(Report(**{**plain, **changes}))


def test_nothing_in_a_report_is_taken_for_markup():
    tags = Tags()
    tags.feed(report())
    assert "script" not in tags.found
    assert not [a for a, _ in tags.attributes if a.startswith("on")]


def test_a_report_asks_nothing_of_the_network():
    tags = Tags()
    tags.feed(report())
    assert not {"link", "img", "iframe", "object"} & set(tags.found)
    assert not {a for a, _ in tags.attributes} & {"src", "href"}
    assert "url(" not in report()


def test_a_run_without_an_epoch_has_a_report_that_says_so():
    assert "No epoch was completed" in report(rows=[], health=[])
