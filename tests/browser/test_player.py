"""The player in a browser: keys, scrubber, transcript, address, motion, narrow windows."""

import pytest

import chainrule as cr
from chainrule.show.animate import animate
from chainrule.show.play.page import page as page_of
from chainrule.show.scene import Moment, Scene
from chainrule.show.svg import element, picture, text

pytestmark = pytest.mark.browser

NASTY = "</script><img src=x onerror=alert(1)><b>bold</b>"


def neuron():
    w, x, b = (cr.tensor(v, name=n) for n, v in (("w", 2.0), ("x", -1.0), ("b", 3.0)))
    a = cr.sigmoid(w * x + b).named("a")
    return animate((0.5 * (1.0 - a) ** 2).named("C"), lr=1.0)


def ball(ident="b", seconds=0.4, words="It rolls.", moving=None):
    body = element("circle", id=f"{ident}-ball", cx=5, cy=20, r=4)
    body += element("text", text("here"), id=f"{ident}-word", x=5, y=36)
    moments = tuple(
        Moment(f"{words} To {10 * k}.", {f"{ident}-ball": {"cx": 10 * k, "opacity": 0.5},
                                         f"{ident}-word": {"text": f"at {10 * k}"}},
               ("forward", "forward", "loss", "backward", "backward", "update")[k], seconds, moving)
        for k in range(6)
    )  # fmt: skip
    return Scene(
        "A ball", "A ball rolls.", picture("scene", ident, 60, 40, "t", "t", body), moments
    )


def where(page, ident="b", scene=0):
    figure = page.locator(".cr-scene").nth(scene)
    return (
        figure.locator(".cr-range").input_value(),
        figure.locator(f"#{ident}-ball").get_attribute("cx"),
        figure.locator(f"#{ident}-word").text_content(),
    )


def settled(page, place, ident="b", scene=0):
    cx = str(10 * (place - 1))
    page.wait_for_function(
        "([i, n, cx]) => document.querySelectorAll('.cr-scene')[n]"
        ".querySelector(`#${i}-ball`).getAttribute('cx') === cx",
        arg=[ident, scene, cx],
    )
    assert where(page, ident, scene) == (str(place), cx, f"at {cx}")


def test_it_opens_on_the_first_moment(opened):
    page = opened(ball().html())
    settled(page, 1)
    assert page.locator(".cr-now").text_content() == "It rolls. To 0."
    assert page.locator("[aria-live]").count() == 1


KEYS = [
    (["ArrowRight"], 2),
    (["ArrowRight", "ArrowRight", "ArrowLeft"], 2),
    (["End"], 6),
    (["End", "ArrowRight"], 6),
    (["End", "Home"], 1),
    (["ArrowLeft"], 1),
    (["b"], 4),
    (["End", "B"], 4),
    (["Shift+ArrowRight"], 3),
    (["Shift+ArrowRight", "Shift+ArrowRight"], 4),
    (["End", "Shift+ArrowLeft"], 4),
    (["b", "ArrowRight", "Shift+ArrowLeft"], 4),
    (["b", "Shift+ArrowLeft", "Shift+ArrowLeft"], 1),
    (["Control+ArrowRight"], 1),
]


@pytest.mark.parametrize(("keys", "place"), KEYS, ids=lambda k: str(k))
def test_keys_move_through_the_moments_both_ways(opened, keys, place):
    page = opened(ball().html())
    for key in keys:
        page.keyboard.press(key)
    settled(page, place)
    assert page.evaluate("location.hash") == ("" if place == 1 and len(keys) == 1 else
                                              f"#moment={place}")  # fmt: skip


def test_space_plays_to_the_end_and_stops(opened):
    page = opened(ball(seconds=0.1).html())
    page.keyboard.press("5")
    assert page.locator(".cr-speed").input_value() == "4"
    page.keyboard.press(" ")
    assert page.locator(".cr-word").text_content() == "Pause"
    settled(page, 6)
    page.wait_for_function("document.querySelector('.cr-word').textContent === 'Play'")


def test_space_again_pauses(opened):
    page = opened(ball(seconds=30).html())
    page.keyboard.press(" ")
    page.keyboard.press(" ")
    assert page.locator(".cr-word").text_content() == "Play"
    settled(page, 1)


def test_the_buttons_the_chapters_and_the_transcript_lead_to_a_moment(opened):
    page = opened(ball().html())
    page.get_by_role("button", name="One step on").click()
    settled(page, 2)
    page.get_by_role("button", name="backward").click()
    settled(page, 4)
    page.locator(".cr-line").nth(4).click()
    settled(page, 5)
    assert page.locator('.cr-line[aria-current="step"]').text_content() == "5It rolls. To 40."
    assert page.locator('.cr-chapter[aria-current="step"]').text_content() == "backward"
    page.get_by_role("button", name="First moment").click()
    settled(page, 1)


def test_the_scrubber_leads_to_a_moment(opened):
    page = opened(ball().html())
    page.locator(".cr-range").fill("5")
    settled(page, 5)
    assert page.locator(".cr-range").get_attribute("aria-valuetext") == "5 of 6, backward"


def test_the_address_names_the_moment(opened):
    page = opened(ball().html(), "#moment=3")
    settled(page, 3)
    page.evaluate("location.hash = '#moment=5'")
    settled(page, 5)
    page.evaluate("location.hash = '#moment=99'")
    settled(page, 6)


def test_stepping_back_shows_what_stepping_on_showed(opened):
    scene = neuron()
    page = opened(scene.html(), reduced_motion="reduce")
    state = "document.querySelector('.cr-stage').innerHTML"
    on = []
    for _ in scene.moments:
        on.append(page.evaluate(state))
        page.keyboard.press("ArrowRight")
    assert len(set(on)) == len(on)
    for k in reversed(range(len(on) - 1)):
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(state) == on[k]


def test_the_page_shows_what_the_scene_says(opened):
    scene = neuron()
    page = opened(scene.html(), reduced_motion="reduce")
    read = """() => [...document.querySelectorAll('.cr-stage text')]
        .map((t) => [t.textContent, getComputedStyle(t).opacity])"""
    drawn = opened(f"<!doctype html><body>{scene.at(0)}")
    for k in range(len(scene.moments)):
        drawn.set_content(f"<style>.hidden {{ opacity: 0 }}</style>{scene.at(k)}")
        expected = drawn.evaluate(read.replace(".cr-stage ", ""))
        assert page.evaluate(read) == expected
        page.keyboard.press("ArrowRight")


def test_with_reduced_motion_a_step_is_a_cut_and_nothing_plays_by_itself(opened):
    html = page_of((ball(seconds=9.0, moving=8.0),), "A ball", autoplay=True)
    page = opened(html, reduced_motion="reduce")
    assert page.locator(".cr-word").text_content() == "Play"
    page.keyboard.press("ArrowRight")
    assert where(page) == ("2", "10", "at 10")


def test_without_it_the_marks_move(opened):
    page = opened(ball(seconds=9.0, moving=8.0).html())
    page.keyboard.press("ArrowRight")
    assert where(page)[0] == "2"
    assert float(where(page)[1]) < 10.0
    settled(page, 2)


def test_two_scenes_on_a_page_play_by_themselves(opened):
    page = opened(page_of([ball("a"), ball("a")], "Two"), "#scene-2=3")
    settled(page, 1, "a", 0)
    settled(page, 3, "a", 1)
    page.keyboard.press("ArrowRight")  # of nobody
    page.locator(".cr-title").nth(0).click()
    page.keyboard.press("ArrowRight")
    settled(page, 2, "a", 0)
    settled(page, 3, "a", 1)
    assert page.evaluate("location.hash") == "#scene-2=3&scene-1=2"


def test_hostile_words_are_text(opened):
    made = ball(words=NASTY)
    page = opened(page_of([made], NASTY, NASTY))
    page.on("dialog", lambda d: pytest.fail("it ran"))
    page.keyboard.press("End")
    assert page.locator(".cr-now").text_content() == f"{NASTY} To 50."
    assert page.locator("b, img").count() == 0


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_out_of_the_window_and_nothing_jumps(opened, width, scheme):
    scene = neuron()
    page = opened(scene.html(), viewport={"width": width, "height": 760}, color_scheme=scheme,
                  reduced_motion="reduce")  # fmt: skip
    measure = """() => [document.documentElement.scrollWidth,
        Math.round(document.querySelector('.cr-bar').getBoundingClientRect().top + scrollY),
        Math.max(...[...document.querySelectorAll('.cr-bar > *')].map(
            (e) => Math.round(e.getBoundingClientRect().right)))]"""
    first = page.evaluate(measure)
    assert first[0] <= width
    assert first[2] <= width
    for _ in scene.moments:
        page.keyboard.press("ArrowRight")
        assert page.evaluate(measure) == first


def test_what_has_just_happened_is_in_sight_where_the_picture_is_wider(opened):
    scene = neuron()
    page = opened(scene.html(), viewport={"width": 360, "height": 760}, reduced_motion="reduce")
    within = """() => { const s = document.querySelector('.cr-stage').getBoundingClientRect();
        const lit = [...document.querySelectorAll('.cr-stage [id*="-shape-"].lit')];
        return lit.map((e) => e.getBoundingClientRect()).every(
            (b) => b.right > s.left && b.left < s.right); }"""
    for _ in scene.moments:
        assert page.evaluate(within)
        page.keyboard.press("ArrowRight")


def test_focus_is_seen_and_tab_reaches_every_control(opened):
    page = opened(ball().html())
    reached = []
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.className"))
        if page.evaluate("document.activeElement !== document.body"):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for name in ("cr-range", "cr-button cr-play", "cr-speed", "cr-chapter", "cr-line"):
        assert name in reached


def test_a_notebooks_frame_plays(opened):
    page = opened(f"<!doctype html><body>{ball()._repr_html_()}</body>")
    frame = page.frame_locator("iframe")
    frame.locator(".cr-next").first.click()
    assert frame.locator(".cr-now").text_content() == "It rolls. To 10."


def tower():
    marks = "".join(element("rect", id=f"t-{k}", x=10, y=20 + 400 * k, width=50, height=30,
                            class_="box") for k in range(6))  # fmt: skip
    moments = tuple(
        Moment(f"Floor {k}.", {f"t-{j}": {"class": "box lit" if j == k else "box"}
                               for j in range(6)}) for k in range(6)
    )  # fmt: skip
    return Scene(
        "A tower", "Six floors.", picture("scene", "t", 90, 2060, "t", "t", marks), moments
    )


def test_what_is_lit_but_not_seen_draws_no_attention(opened):
    frames = "".join(
        element("rect", id=f"f-{k}", x=20 + 800 * k, y=20, width=30, height=30, class_="lit",
                opacity=0) for k in range(3)
    ) + element("rect", x=1600, y=20, width=9, height=9, class_="lit", opacity=0)  # fmt: skip
    svg = picture("scene", "f", 1700, 80, "t", "t", frames)
    made = Scene("Three frames", "Three.", svg, tuple(
        Moment(f"Frame {k}.", {f"f-{j}": {"opacity": int(j == k)} for j in range(3)})
        for k in range(3)
    ))  # fmt: skip
    page = opened(made.html(), viewport={"width": 360, "height": 700}, reduced_motion="reduce")
    for k in range(3):
        box = page.locator(f"#f-{k}").bounding_box()
        assert 0 <= box["x"] <= 330
        page.keyboard.press("ArrowRight")


def test_of_a_tall_picture_words_controls_and_what_changes_stay_in_sight(opened):
    page = opened(tower().html(), reduced_motion="reduce")
    within = """() => { const d = document.querySelector('.cr-dock').getBoundingClientRect();
        const b = document.querySelector('.lit').getBoundingClientRect();
        return [Math.round(d.bottom) <= innerHeight, b.top >= 0, b.bottom <= d.top]; }"""
    assert page.evaluate(within)[0]
    for _ in tower().moments:
        assert page.evaluate(within) == [True, True, True]
        page.keyboard.press("ArrowRight")
