"""A scene: what is in the picture at each moment, and what is refused."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest

import chainrule as cr
from chainrule.show.play.tween import mix, number
from chainrule.show.scene import Moment, Scene
from chainrule.show.svg import (
    DARK,
    GROUNDS,
    INKS,
    LIGHT,
    RULES,
    element,
    picture,
    resolved,
    standalone,
    text,
)  # fmt: skip

NASTY = "</text><script>alert(1)</script>&\"'\x07"


def ball(*moments, more=""):
    body = element("circle", id="b-ball", cx=0, cy=5, r=2, class_="fill-input")
    body += element("text", text("start"), id="b-word", x=0, y=20) + more
    return Scene("A ball", "It rolls.", picture("scene", "b", 100, 40, "A ball", "It rolls.", body),
                 moments)  # fmt: skip


ROLLS = (
    Moment("Here it is.", {}, "forward"),
    Moment("It rolls.", {"b-ball": {"cx": 10, "opacity": 0.5}, "b-word": {"text": "rolls"}}),
    Moment("It rolls on.", {"b-ball": {"cx": 30}}, "backward"),
)


def found(svg, ident):
    return ElementTree.fromstring(svg).find(f".//*[@id='{ident}']")


@pytest.mark.parametrize(
    ("k", "part", "cx", "opacity", "word"),
    [
        (0, 0.0, "0", None, "start"),
        (0, 1.0, "0", None, "start"),
        (1, 0.0, "0", None, "start"),
        (1, 0.5, "5", "0.75", "rolls"),
        (1, 1.0, "10", "0.5", "rolls"),
        (2, 0.25, "15", "0.5", "rolls"),
        (-1, 1.0, "30", "0.5", "rolls"),
    ],
)
def test_a_moment_holds_what_changed_until_then(k, part, cx, opacity, word):
    svg = ball(*ROLLS).at(k, part)
    assert found(svg, "b-ball").get("cx") == cx
    assert found(svg, "b-ball").get("opacity") == opacity
    assert found(svg, "b-word").text == word


def test_before_the_first_moment_the_picture_is_the_one_that_was_given():
    made = ball(*ROLLS)
    assert made.at(0, 0.0) == made.svg
    assert ball().at() == made.svg


MIXED = [
    ("x", "0", "10", 0.5, "5"),
    ("x", "0", "10", 0.0, "0"),
    ("x", "0", "10", 1.0, "10"),
    ("transform", "translate(0 1)", "translate(4 3)", 0.5, "translate(2 2)"),
    ("transform", "translate(0 1)", "rotate(4 3)", 0.5, "rotate(4 3)"),
    ("d", "M0 0L10 10", "M0 0C1 1 2 2 3 3", 0.1, "M0 0C1 1 2 2 3 3"),
    ("points", "0,0 1e1,-2", "0,0 20,.5", 0.5, "0,0 15,-0.75"),
    ("fill", "#000000", "#ffffff", 0.5, "#ffffff"),
    ("clip-path", "url(#a1)", "url(#a2)", 0.5, "url(#a2)"),
    ("class", "s1", "s3", 0.5, "s3"),
    ("text", "1", "2", 0.5, "2"),
    ("x", "", "5", 0.5, "5"),
    ("width", "1e300", "2e300", 0.5, "2e300"),
]


@pytest.mark.parametrize(("name", "old", "new", "part", "expected"), MIXED)
def test_between_two_values_only_numbers_move(name, old, new, part, expected):
    assert mix(name, old, new, part) == expected


@pytest.mark.parametrize("x", [0.0, -0.0, 0.0005, -0.0005, 1 / 3, 1e-9, 123456.789, -2.5])
def test_a_number_is_short_and_near(x):
    assert abs(float(number(x)) - x) <= 0.0005001
    assert len(number(x).partition(".")[2]) <= 3
    assert number(x) != "-0"


def test_a_mark_that_is_not_there_is_refused_with_its_moment():
    with pytest.raises(cr.UsageError, match=r"moment 0 .'It goes'. changes 'b-cube'"):
        ball(Moment("It goes", {"b-cube": {"x": 1}}))


def test_the_text_of_what_holds_elements_is_refused():
    more = element("text", element("tspan", "a"), id="b-many")
    with pytest.raises(cr.UsageError, match="b-many"):
        ball(Moment("It changes", {"b-many": {"text": "b"}}), more=more)


@pytest.mark.parametrize("k", [3, -4, 1.5, "1"])
def test_a_moment_that_is_not_there_is_refused(k):
    with pytest.raises(cr.UsageError, match="there are 0 to 2"):
        ball(*ROLLS).at(k)


def test_what_is_no_picture_is_refused():
    with pytest.raises(cr.UsageError, match="<svg"):
        Scene("A", "a", "<div></div>")


def test_the_transcript_tells_every_moment_under_its_chapter():
    assert ball(*ROLLS).transcript().splitlines() == [
        "A ball", "It rolls.", "forward", "  1. Here it is.", "  2. It rolls.",
        "backward", "  3. It rolls on.",
    ]  # fmt: skip


def test_hostile_texts_and_ids_stay_texts_and_ids():
    ident = f"b-{NASTY}"
    more = element("text", text(NASTY), id=ident)
    made = ball(Moment(NASTY, {text_id(ident): {"text": NASTY, "x": NASTY}}), more=more)
    assert found(made.at(), "b-word").text == "start"
    assert "<script" not in made.at()
    assert ElementTree.fromstring(made.at()).findall(".//{*}script") == []


def text_id(ident):
    return "".join(c for c in ident if c.isprintable())


@pytest.mark.parametrize("write", [standalone, resolved, lambda s: resolved(s, dark=True)])
def test_a_styled_picture_is_still_well_formed(write):
    root = ElementTree.fromstring(write(ball(*ROLLS).at()))
    assert root.tag.endswith("svg")
    assert len(root.findall(".//{*}style")) == 1


def test_a_resolved_picture_has_no_variables_left():
    assert "var(" not in resolved(ball().svg)
    assert INKS["input"][0] in resolved(ball().svg)
    assert INKS["input"][1] in resolved(ball().svg, dark=True)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


TEXTS = [name for name in INKS if name not in GROUNDS and name != "line"]


@pytest.mark.parametrize(("ink", "ground", "dark"), list(product(TEXTS, GROUNDS, (0, 1))))
def test_every_ink_is_readable_on_every_ground(ink, ground, dark):
    assert contrast(INKS[ink][dark], INKS[ground][dark]) >= 4.5


@pytest.mark.parametrize(("k", "ground", "dark"), list(product(range(len(LIGHT)), GROUNDS, (0, 1))))
def test_every_colour_of_a_series_is_readable_on_every_ground(k, ground, dark):
    assert contrast((LIGHT, DARK)[dark][k], INKS[ground][dark]) >= 4.5


@pytest.mark.parametrize("rule", list(RULES.items()), ids=lambda r: r[0])
def test_every_variable_of_a_rule_is_an_ink(rule):
    series = {f"s{k}" for k in range(len(LIGHT))}
    assert set(re.findall(r"var\(--([\w-]+)\)", rule[1])) <= {*INKS, *series}


def test_a_notebook_gets_html_svg_and_text():
    bundle = ball(*ROLLS)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle["text/html"].startswith("<iframe srcdoc=")
    assert set(ball()._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    assert ball()._repr_html_().startswith('<img src="data:image/svg')
