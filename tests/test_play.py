"""The player, the films and the pictures of dots: complete, small, and true to the scene."""

import gzip
import io
import json
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from random import Random

import pytest

import chainrule as cr
from chainrule.show.formula import drawn, formula, formula_size
from chainrule.show.play import film as films
from chainrule.show.play.film import film, frames, wrapped
from chainrule.show.play.page import fragment, head, page, runs, script
from chainrule.show.play.raster import png, size_of
from chainrule.show.play.tween import ease, mix, travel
from chainrule.show.scene import Moment, Scene
from chainrule.show.svg import element, picture, text

NODE = shutil.which("node")
NASTY = "</script><script>alert(1)</script>"
PLAYER = files("chainrule.show.play").joinpath("player.js").read_text("utf-8")


def ball(title="A ball", ident="b", words="It rolls to 40."):
    body = element("circle", id=f"{ident}-ball", cx=5, cy=20, r=4, class_="fill-input")
    body += element("text", text("start"), id=f"{ident}-word", x=5, y=36)
    moments = (
        Moment("Here it is.", {}, "forward", 0.5),
        Moment(words, {f"{ident}-ball": {"cx": 40}, f"{ident}-word": {"text": "there"}}, "forward"),
        Moment("Back it comes.", {f"{ident}-ball": {"cx": 20}}, "backward", 2.5, 1.9),
        Moment("It is red now.", {f"{ident}-ball": {"class": "fill-class"}}, "backward", 1.0),
    )
    return Scene(title, "A ball rolls.", picture("scene", ident, 60, 40, title, "It rolls.", body),
                 moments)  # fmt: skip


# JavaScript and Python


def cases():
    rng = Random(0)

    def some():
        return f"{rng.choice([rng.uniform(-999, 999), rng.randint(-9, 9), rng.gauss(0, 1e-3)]):.6g}"

    shapes = ("{}", "translate({} {})", "M{} {}L{},{}Z", "{}px", "#a{}", "{}e", "a{}b{}c")
    names = ("x", "d", "class", "fill", "transform", "text", "opacity")
    for _ in range(600):
        one, other = rng.choice(shapes), rng.choice(shapes)
        other = one if rng.random() < 0.8 else other
        fill = [s.format(*(some() for _ in range(s.count("{}")))) for s in (one, other)]
        yield [rng.choice(names), *fill, rng.choice([0, 1, rng.random(), rng.random()])]


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_javascript_finds_the_same_values_between_two_as_python():
    told = list(cases())
    program = (
        "const p = require(process.argv[1]); const c = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify({mix: c.map((x) => p.mix(...x)), "
        "ease: c.map((x) => p.ease(x[3])), travel: c.map((x) => p.travel(4 * x[3])), "
        "slow: c.map((x) => p.travel(4 * x[3], 2))}))"
    )
    place = str(files("chainrule.show.play").joinpath("player.js"))
    run = subprocess.run([NODE, "-e", program, place], input=json.dumps(told), text=True,
                         capture_output=True, check=True)  # fmt: skip
    found = json.loads(run.stdout)
    assert found["mix"] == [mix(*x) for x in told]
    assert found["ease"] == [ease(x[3]) for x in told]
    assert found["travel"] == [travel(4 * x[3]) for x in told]
    assert found["slow"] == [travel(4 * x[3], 2) for x in told]


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_javascript_has_the_same_values_at_every_moment_as_python():
    scene = ball()
    data = read_data(scene.html())
    program = (
        "const p = require(process.argv[1]); const d = JSON.parse(require('fs').readFileSync(0));"
        "const t = p.tracksOf(d.start, d.moments); console.log(JSON.stringify(d.moments.map("
        "(_, k) => t.map((x) => [x.id, x.name, p.valueAt(x, k)]))))"
    )
    place = str(files("chainrule.show.play").joinpath("player.js"))
    run = subprocess.run([NODE, "-e", program, place], input=json.dumps(data), text=True,
                         capture_output=True, check=True)  # fmt: skip
    for k, values in enumerate(json.loads(run.stdout)):
        svg = scene.at(k)
        for ident, name, value in values:
            mark = re.search(rf'<\w+ id="{ident}"[^>]*>([^<]*)', svg)
            assert (mark[1] if name == "text" else re.search(rf' {name}="([^"]*)"', mark[0])[1]) \
                == value  # fmt: skip


def test_the_script_is_small_and_runs_no_text():
    assert len(gzip.compress(PLAYER.encode())) < 60_000
    assert len(gzip.compress(PLAYER.encode())) < 6_000
    for word in ("eval", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "fetch(",
                 "Function(", "XMLHttpRequest", "import("):  # fmt: skip
        assert word not in PLAYER


# The page


class Tags(HTMLParser):
    """The tags of a page, and whether they are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.wrong = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "link", "br", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def tags(html):
    made = Tags()
    made.feed(html)
    assert (made.wrong, made.open) == ([], [])
    return made.seen


def read_data(html):
    return json.loads(re.search(r'class="cr-data">(.*?)</script>', html, re.DOTALL)[1])


@pytest.mark.parametrize(
    "scenes", [[ball()], [ball(), ball("B", "c")], [Scene("S", "s", "<svg/>")]]
)
def test_a_page_is_well_formed_and_fetches_nothing(scenes):
    seen = tags(page(scenes, "Some scenes", "What they show."))
    assert [a for _, a in seen if {"src", "href", "srcset", "action"} & set(a)] == []
    rules = [a["content"] for t, a in seen if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(rules) == 1
    assert "default-src 'none'" in rules[0]
    assert "unsafe" not in rules[0].partition("script-src")[2]


def test_the_only_script_that_may_run_is_the_player():
    inside = re.fullmatch(r"<script>(.*)</script>", script(), re.DOTALL)[1]
    digest = b64encode(sha256(inside.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in head()


def test_every_moment_is_a_line_to_click_on():
    seen = tags(ball().html())
    assert sum(a.get("class") == "cr-line" for _, a in seen) == 4
    assert sum(a.get("class") == "cr-chapter" for _, a in seen) == 2
    assert [a["max"] for _, a in seen if a.get("class") == "cr-range"] == ["4"]


def test_every_control_has_a_name():
    html = ball().html()
    for button in re.findall(r"<button[^>]*>.*?</button>", html, re.DOTALL):
        assert "aria-label" in button or re.sub(r"<[^>]*>", "", button).strip()
    for field in re.findall(r"<(?:input|select)[^>]*>", html):
        assert "aria-label" in field
    assert 'aria-live="polite"' in html


def test_hostile_words_are_shown_and_never_run():
    made = ball(NASTY, words=NASTY)
    html = page([made], NASTY, NASTY)
    seen = tags(html)
    assert [t for t, _ in seen].count("script") == 2  # the data and the player
    assert read_data(html)["moments"][1]["words"] == NASTY
    assert "&lt;/script&gt;" in html


def test_the_chapters_are_told_once_for_every_run():
    told = [Moment("a", chapter=c) for c in ("forward", "forward", "", "backward", "forward")]
    assert runs(told) == [("forward", 0, 2), ("", 2, 1), ("backward", 3, 1), ("forward", 4, 1)]


def test_a_fragment_needs_no_more_than_head_and_script():
    assert fragment(ball(), "my scene!").count('data-scene="my-scene-"') == 1
    assert "<script>" not in fragment(ball())
    assert "<style>" not in fragment(ball())


def test_a_notebooks_frame_holds_the_whole_page():
    frame = ball()._repr_html_()
    inside = unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert inside == page((ball(),), "A ball", brief=True)
    assert 'sandbox="allow-scripts"' in frame


# Dots


def opened(data):
    image = pytest.importorskip("PIL.Image")
    return image.open(io.BytesIO(data))


def test_a_picture_as_dots_has_its_size_and_its_text():
    pytest.importorskip("resvg_py")
    svg = picture("scene", "p", 60, 40, "t", "t", element("text", "W", x=10, y=30))
    image = opened(png(svg, 2.0)).convert("L")
    assert image.size == (120, 80)
    assert image.crop((20, 30, 50, 62)).getextrema()[0] < 90  # the letter is there
    assert image.crop((60, 0, 120, 80)).getextrema()[0] > 200


@pytest.mark.parametrize("scale", [0, -1, 1e9, float("nan")])
def test_a_scale_that_makes_no_picture_is_refused(scale):
    pytest.importorskip("resvg_py")
    with pytest.raises(cr.UsageError, match="scale between 0 and"):
        png(ball().svg, scale)


def test_the_size_of_a_picture_without_one_is_refused():
    assert size_of('<svg viewBox="0 0 3 4">') == (3.0, 4.0)
    with pytest.raises(cr.UsageError, match="viewBox"):
        size_of("<svg>")


def test_the_frames_of_a_film_last_as_long_as_its_moments():
    made = list(frames(ball(), 12))
    assert sum(f.seconds for f in made) == pytest.approx(0.5 + 1.2 + 2.5 + 1.0)
    # 1 opens, 7 on the way and held, 23 on the slow way and held, 1 for what changes at once.
    assert len(made) == 1 + 7 + 23 + 1
    assert all(a.svg != b.svg for a, b in pairwise(made))


@pytest.mark.parametrize(("kind", "most"), [("gif", 40_000), ("webp", 40_000)])
def test_a_film_has_its_frames_its_length_and_its_size(kind, most):
    pytest.importorskip("resvg_py")
    data = film(ball(), kind, fps=6, scale=0.5)
    image = opened(data)
    expected = list(frames(ball(), 6))
    assert image.n_frames == len(expected)
    lasts = []
    for k in range(image.n_frames):
        image.seek(k)
        image.load()
        lasts.append(image.info["duration"])
    assert sum(lasts) == pytest.approx(1000 * sum(f.seconds for f in expected), rel=0.05)
    assert image.size[0] == 240
    assert len(data) < most


def test_a_film_as_mp4_is_read_by_others():
    pytest.importorskip("resvg_py")
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(film(ball(), "mp4", fps=10, scale=0.53))) as movie:
        stream = movie.streams.video[0]
        read = sum(1 for _ in movie.decode(video=0))
        assert (stream.width % 2, stream.height % 2) == (0, 0)
        assert read == pytest.approx(52, abs=2)


def test_a_caption_is_wrapped_and_nothing_of_it_is_lost():
    words = "the quick brown fox " * 9 + "x" * 200
    lines = wrapped(words, 200.0)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")
    assert max(films.width_of(line, films.SIZE) for line in lines) <= 200.0


@pytest.mark.parametrize("suffix", ["svg", "png", "html", "gif", "webp", "txt"])
def test_a_scene_is_saved_as_what_its_ending_says(suffix, tmp_path):
    pytest.importorskip("resvg_py")
    starts = {"svg": b"<svg", "png": b"\x89PNG", "html": b"<!doctype", "gif": b"GIF8",
              "webp": b"RIFF", "txt": b"A ball"}  # fmt: skip
    path = tmp_path / f"ball.{suffix.upper()}"
    ball().save(path, fps=2, scale=0.5)
    assert path.read_bytes().startswith(starts[suffix])


def test_an_ending_that_says_nothing_is_refused(tmp_path):
    with pytest.raises(cr.UsageError, match=r"end it in one of .svg, .png"):
        ball().save(tmp_path / "ball.avi")
    with pytest.raises(cr.UsageError, match="cannot be written"):
        ball().save(tmp_path / "nowhere" / "ball.svg")


def test_a_still_is_no_film():
    pytest.importorskip("resvg_py")
    with pytest.raises(cr.UsageError, match="nothing to play"):
        film(Scene("S", "s", ball().svg), "gif")
    with pytest.raises(cr.UsageError, match="fps=0"):
        film(ball(), "gif", fps=0)


@pytest.mark.parametrize(
    ("missing", "kind", "extra"),
    [("PIL", "gif", "pictures"), ("resvg_py", "png", "pictures"), ("av", "mp4", "video")],
)
def test_a_missing_extra_says_how_to_get_it(missing, kind, extra, monkeypatch, tmp_path):
    pytest.importorskip("PIL")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(cr.MissingExtraError, match=rf'pip install "chainrule\[{extra}\]"'):
        ball().save(tmp_path / f"ball.{kind}")


# Formulas

FORMULAS = [
    r"\frac{2}{N} \sum_{i=1}^{N} e_{i} w_{2}^{\top}",
    r"\begin{cases}0 & u \le 0\\ 1 & u > 0\end{cases}",
    r"\mark{k1}{\frac{\partial L}{\partial w}} \odot \sigma\left(z\right)",
    r"\mathrm{a name} + 1.5",
]


@pytest.fixture
def fresh():
    drawn.cache_clear()
    yield
    drawn.cache_clear()


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("tex", FORMULAS)
def test_a_formula_is_drawn_with_and_without_the_extra(tex, installed, monkeypatch, fresh):
    if installed:
        pytest.importorskip("ziamath")
    else:
        monkeypatch.setitem(sys.modules, "ziamath", None)
    wide, above, below = formula_size(tex, 14)
    made = formula(tex, 100.0, 50.0, 14, "f-1", "middle", "value")
    assert 10 < wide < 400
    assert 0 <= below < above
    assert f'transform="translate({100 - wide / 2:.2f} 50.00)"' in made
    assert r"\mark" not in made
    assert ("<path" in made) == installed
    assert 'id="f-1" class="formula value"' in made


def test_a_formula_that_cannot_be_read_is_refused_in_our_words():
    with pytest.raises(cr.ExpressionError):
        formula(r"\frac{1", 0, 0)
