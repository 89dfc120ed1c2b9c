"""The benchmark's picture: every system has its mark, wherever others are missing."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent / "benchmarks" / "native" / "plot.py"
NAMES = {"ours": "ours", "a": "system A", "b": "system B"}


@pytest.fixture(scope="module")
def plot():
    spec = spec_from_file_location("native_plot", PATH)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_picture_has_every_row_mark_and_limit(plot):
    rows = [
        plot.Row("small", {"ours": 1.5, "a": 30.0, "b": 4.0}, 0.9, 0.375),
        plot.Row("large & wide", {"ours": 2000.0, "b": 1000.0}, 800.0, 2.0),
        plot.Row("alone", {"ours": 7.0}, 0.0, None),
    ]
    made = plot.Plot(rows, NAMES, ("ours",)).scene("Steps")
    for part in ("small", "large &amp; wide", "system A", "0.38", "2.00", "no peer", "10,000"):
        assert part in made.svg, part
    assert made.svg.count("<path") == 3 + 6  # in the legend, in the rows
    assert made.svg.count("stroke-width: 3") == 1 + 2
    assert "system B 1e+03" in made.told


def test_a_missing_system_leaves_the_others_their_marks(plot):
    rows = [plot.Row("small", {"ours": 1.5, "b": 4.0}, 0.9, 0.4)]
    made = plot.Plot(rows, NAMES, ("ours",))
    assert list(made.names) == ["ours", "b"]
    assert plot.SHAPES[2][0] in made.scene("Steps").svg
    assert plot.SHAPES[1][0] * 2 not in made.scene("Steps").svg


def test_further_right_takes_longer(plot):
    made = plot.Plot([plot.Row("x", {"ours": 0.2, "b": 900.0}, 0.1, 0.1)], NAMES, ("ours",))
    assert made.left == made.x(0.1) < made.x(0.2) < made.x(900.0) < made.x(1000.0) == made.right
