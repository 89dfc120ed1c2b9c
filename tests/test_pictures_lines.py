"""Line charts of one's own numbers, and pictures next to each other."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.graph.errors import DataError, UsageError

lines, beside = cr.pictures.lines, cr.pictures.beside
TWO = {"falls": [3.0, 2.0, 1.0], "rises": ([0.0, 5.0, 10.0], [1.0, 2.0, 4.0])}
NAN = float("nan")


def tree(scene, k=-1):
    found = ElementTree.fromstring(scene.at(k))
    ids = [e.get("id") for e in found.iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    return found


def marked(scene, ident, k=-1):
    return tree(scene, k).find(f".//*[@id='{ident}']")


def points(scene, ident):
    return [(float(c.get("cx")), float(c.get("cy"))) for c in marked(scene, ident)
            if c.tag.endswith("circle")]  # fmt: skip


def test_a_curve_without_places_lies_at_1_2_3():
    xs = [x for x, _ in points(lines({"a": [1.0, 5.0, 2.0]}), "lines-0")]
    apart = np.diff(xs)
    assert apart[0] == pytest.approx(apart[1])
    assert xs == [x for x, _ in points(lines({"a": ([1, 2, 3], [1.0, 5.0, 2.0])}), "lines-0")]


@pytest.mark.parametrize("log", [False, True])
def test_points_lie_where_their_values_are(log):
    scene = lines({"a": ([0, 1, 2], [1.0, 10.0, 100.0])}, log=log)
    (_, low), (_, middle), (_, high) = points(scene, "lines-0")
    share = (low - middle) / (low - high)
    assert share == pytest.approx(0.5 if log else 9 / 99, abs=0.002)


@pytest.mark.parametrize(("bad", "log"), [(NAN, False), (np.inf, False), (0.0, True), (-3.0, True)])
def test_what_cannot_be_shown_is_a_gap_and_is_said(bad, log):
    scene = lines({"a": [1.0, bad, 2.0]}, log=log)
    path = marked(scene, "lines-0")[0].get("d")
    assert path.count("M") == 2
    assert len(points(scene, "lines-0")) == 2
    assert "1 value cannot be shown" in scene.told
    assert "nan" not in scene.svg


def test_many_values_are_drawn_without_points():
    assert points(lines({"a": np.arange(41.0)}), "lines-0") == []
    assert len(points(lines({"a": np.arange(40.0)}), "lines-0")) == 40


def test_each_moment_takes_up_one_curve_and_the_first_and_the_last_all():
    scene = lines(TWO, y="cost")
    assert [m.words[:5] for m in scene.moments] == ["Cost:", "falls", "rises", "All o"]
    marks = [[marked(scene, f"lines-{k}", at) for k in (0, 1)] for at in range(4)]
    opacity = [[mark.get("opacity") for mark in pair] for pair in marks]
    assert opacity == [[None, None], [None, "0.15"], ["0.15", None], [None, None]]


def test_a_curve_that_stays_where_it_is_is_told_so():
    assert lines({"flat": [2.0, 2.0, NAN], "point": [3.0]}).told == (
        "flat: value 2 throughout, 1 value cannot be shown. point: value 3 at 1."
    )


def test_curves_differ_in_colour_and_in_dashes():
    scene = lines({str(k): [k, k + 1.0] for k in range(4)})
    drawn = [marked(scene, f"lines-{k}")[0] for k in range(4)]
    assert len({path.get("stroke") for path in drawn}) == 4
    assert len({path.get("stroke-dasharray") for path in drawn}) == 4


def test_names_and_titles_are_text_and_no_markup():
    scene = lines({"<b>&": [1.0, 2.0]}, title="<script>", x="<i>", y="&")
    tree(scene)
    assert "<b>" not in scene.svg
    assert "<script>" not in scene.svg


@pytest.mark.parametrize(("series", "error", "words"), [
    ({}, UsageError, "give curves by their names"),
    ([1, 2], UsageError, "give curves by their names"),
    ({"a": []}, DataError, "'a' has places"),
    ({"a": ([1, 2], [1, 2, 3])}, DataError, "'a' has places (2,) and values (3,)"),
    ({"a": [[1, 2], [3, 4]]}, DataError, "'a' has places"),
    ({"a": ["x", "y"]}, DataError, "'a' is no sequence of numbers"),
    ({"a": 3.0}, DataError, "'a' has places"),
])  # fmt: skip
def test_what_is_no_curve_is_refused(series, error, words):
    with refused(error, re.escape(words)):
        lines(series)


def test_pictures_stand_next_to_each_other_and_play_one_after_the_other():
    a, b = lines(TWO, ident="a", title="first"), lines(TWO, ident="b", title="second")
    scene = beside(a, b, title="Both")
    size = [tree(x).get("width") for x in (a, b, scene)]
    assert float(size[2]) == float(size[0]) + float(size[1])
    moved = [g.get("transform") for g in tree(scene) if g.get("transform")]
    assert moved == ["translate(0 40)", f"translate({float(size[0]):g} 40)"]
    assert [m.chapter for m in scene.moments] == ["first"] * 4 + ["second"] * 4
    assert float(marked(scene, "b-1", 5).get("opacity")) < 1
    assert a.told in scene.told


def test_pictures_go_on_in_a_next_row_after_so_many_columns():
    three = [lines(TWO, ident=k) for k in "abc"]
    wide, tall = (float(tree(three[0]).get(k)) for k in ("width", "height"))
    scene = beside(*three, columns=2)
    moved = [g.get("transform") for g in tree(scene) if g.get("transform")]
    assert moved == ["translate(0 0)", f"translate({wide:g} 0)", f"translate(0 {tall:g})"]
    assert float(tree(scene).get("width")) == 2 * wide
    assert float(tree(scene).get("height")) == pytest.approx(2 * tall + 8)


def test_pictures_of_several_kinds_stand_next_to_each_other():

    tree(beside(cr.pictures.activations("tanh"), cr.pictures.cross_entropy()))


def test_two_marks_of_one_name_are_refused():
    with pytest.raises(UsageError, match="two scenes have a mark 'lines-0'"):
        beside(lines(TWO), lines(TWO))


@pytest.mark.parametrize("scenes", [(), (1,), (cr.pictures.Scene("a", "b", "<svg></svg>"),)])
def test_what_has_no_size_is_refused(scenes):
    with pytest.raises(UsageError, match="give scenes with a width and a height"):
        beside(*scenes)
