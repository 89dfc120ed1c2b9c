"""The gallery shows every item of the articles, and what it shows is what the code makes."""

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("ziamath")  # the formulas in pictures
pytest.importorskip("sympy")  # one of three ways to a derivative

GALLERY = Path(__file__).parent.parent / "docs" / "gallery"

# Every picture (P), number (N), claim (C) and slip (X) of the four articles.
PICTURES = {0: 7, 1: 3, 2: 10, 3: 12}  # how many each article has
OTHERS = {
    "N0.": ["setup", "forward", "printed", "exact", "update"],
    "C0.": ["delta", "gates", "relu", "vanishing", "saturation", "dead", "exploding", "clip",
            "lstm"],
    "X0.": ["loss", "rounding", "leaky"],
    "C1.": ["a", "b", "c"], "X1": [""],
    "C2.": ["reuse", "transposes", "relu", "sum"],
    "X2.": ["typos", "cases", "order", "names", "code"],
    "N3": [""], "C3.": ["delta", "voting", "flat", "vector"], "X3": [""],
}  # fmt: skip
IDS = [f"P{a}.{k}" for a, n in PICTURES.items() for k in range(1, n + 1)]
IDS += [kind + name for kind, names in OTHERS.items() for name in names]
# What has an example that is in no article.
KINDS = ["draw", "derive", "trace", "animate", "code", "paths", "descent", "compare", "practice",
         "mirror", "network", "training", "activations", "nudge", "style", "kink",
         "command"]  # fmt: skip

# The numbers of the articles, each in an exhibit of this id: as printed, and to six digits.
NUMBERS = {
    "N0.setup": ["w₁", "→ 2", "→ −3", "→ −1", "→ −2", "→ 1"],
    "N0.forward": ["→ −2", "→ 6", "→ 4", "→ 1", "→ 0.73", "→ 0.03645"],
    "N0.printed": ["← −0.27", "× 0.1971", "← 0.053217", "← −0.053217", "← 0.106434"],
    "N0.exact": ["0.731059", "−0.268941", "0.1966", "−0.052877", "0.052877", "0.105754",
                 "−0.105754", "0.158631"],
    "N0.update": ["1.946783", "−3.106434", "−2.946783", "0.79", "1.94", "−3.106", "−2.947",
                  "1.947123", "−3.105754", "−2.947123", "1.317263", "0.788726"],
    "X0.loss": ["0.0729", "0.03645", "0.036165", "0.022318"],
    "X0.rounding": ["0.053217", "0.052877", "0.196612", "1.94"],
    "C0.vanishing": ["× 0.235", "× 0.2247"],
    "C0.clip": ["40.5"],
    "C1.a": ["30", "20", "60", "24"],
    "P2.2": ["12"],
    "N3": ["0.55", "0.5978", "0.597837", "−1.8182", "−1.818182", "0.2475", "−0.45"],
    "P3.1": ["0.5978", "−1.818", "0.247", "−0.45"],
    "P3.5": ["−log 0.55 = 0.5978", "−1.8182"],
}  # fmt: skip


@pytest.fixture(scope="module")
def build():
    sys.path.insert(0, str(GALLERY))
    try:
        import build

        yield build
    finally:
        sys.path.remove(str(GALLERY))


@pytest.fixture(scope="module")
def made(build):
    """Every exhibit that is the same everywhere, with its page section as text."""
    from rendering import Rendering

    found = build.results(whole=False)
    return {e: words(Rendering(e.anchor).html(r)) for e, r in found.items()}


def words(html: str) -> str:
    """What there is to read in HTML: also the moments of a scene, also descriptions."""
    scripts = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.S)
    plain = re.sub(r"<script.*?</script>|<style.*?</style>", "", html, flags=re.S)
    told = re.sub(r"<[^>]+>", " ", plain) + " ".join(scripts)
    for mark, sign in (("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        told = told.replace(mark, sign)
    told = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), told)
    return re.sub(r"(?<![\w.])-(?=[\d.])", "−", told)  # one kind of minus


@pytest.mark.parametrize("ident", IDS)
def test_every_item_of_the_articles_is_shown(build, ident):
    assert [e for room in build.ROOMS[:4] for e in room.exhibits if ident in e.ids]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_example_that_is_in_no_article(build, kind):
    assert [e for e in build.beyond.ROOM.exhibits if kind in e.ids]


def test_no_exhibit_has_an_id_that_is_in_no_list(build):
    known = {*IDS, *KINDS}
    assert [i for room in build.ROOMS for e in room.exhibits for i in e.ids if i not in known] == []


@pytest.mark.parametrize("ident", NUMBERS)
def test_every_number_stands_where_its_item_is_shown(made, ident):
    read = " ".join(told for e, told in made.items() if ident in e.ids)
    assert [n for n in NUMBERS[ident] if n not in read] == []


def test_the_pages_are_what_the_code_makes(build):
    assert build.check() == 0


def test_two_builds_of_a_page_give_the_same_bytes(build):
    from pages import room_page

    room = build.ROOMS[0]
    pages = [room_page(room, build.ROOMS, build.results(whole=False)) for _ in range(2)]
    assert pages[0] == pages[1]


def test_a_changed_page_is_noticed(build, made, monkeypatch, tmp_path):
    for page in GALLERY.glob("*.html"):
        (tmp_path / page.name).write_text(page.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(build, "HERE", tmp_path)
    page = tmp_path / "product.html"
    page.write_text(page.read_text("utf-8").replace("→ 3", "→ 4", 1), "utf-8")
    fresh = [(page.name, (GALLERY / "product.html").read_text("utf-8"))]
    assert build.stale(fresh) == ["product.html"]


def test_every_page_stays_small_and_holds_no_path_of_a_machine():
    for page in GALLERY.glob("*.html"):
        text = page.read_text("utf-8")
        assert len(text.encode()) < 3_000_000, page.name
        assert not re.search(r"/(home|work|tmp|root|Users)/|site-packages", text), page.name
    assert sum(p.stat().st_size for p in GALLERY.rglob("*") if p.is_file()) < 12_000_000


def test_ids_are_unique_on_every_page():
    for page in GALLERY.glob("*.html"):
        found = re.findall(r'\sid="([^"]+)"', page.read_text("utf-8"))
        assert sorted({i for i in found if found.count(i) > 1}) == [], page.name
