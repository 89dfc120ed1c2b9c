"""Every page of the gallery, opened from disk in a browser, wide and narrow."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

PAGES = sorted((Path(__file__).parents[2] / "docs" / "gallery").glob("*.html"))
WIDTHS = (360, 1400)

# Every text that leaves the picture it belongs to, by more than a pixel of the picture.
OUTSIDE = """() => {
  const lost = [];
  for (const svg of document.querySelectorAll("main svg[viewBox]")) {
    if (!svg.querySelector("text") || !svg.getClientRects().length) continue;
    const box = svg.getBoundingClientRect(), wide = svg.viewBox.baseVal.width;
    const slack = 1.5 * box.width / wide;
    for (const t of svg.querySelectorAll("text")) {
      if (!t.textContent.trim()) continue;
      const r = t.getBoundingClientRect();
      if (r.width && (r.left < box.left - slack || r.right > box.right + slack ||
          r.top < box.top - slack || r.bottom > box.bottom + slack)) {
        lost.push(`${t.closest("[id]").id}: ${t.textContent}`);
      }
    }
  }
  return lost;
}"""
TO = """part => document.querySelectorAll(".cr-range").forEach(r => {
  r.value = Math.round(1 + part * (r.max - 1));
  r.dispatchEvent(new Event("input", {bubbles: true}));
})"""
LINKS = """() => [...document.querySelectorAll("main a[href]")].map(a => a.getAttribute("href"))"""


@pytest.fixture(params=PAGES, ids=lambda p: p.stem)
def path(request):
    return request.param


@pytest.fixture
def visit(chromium):
    """Opens a file as it lies on the disk; in the end nothing was complained of or fetched."""
    wrong, contexts = [], []

    def visited(path, width=1400, **settings):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", **settings
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: wrong.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
        ours = path.as_uri()
        page.on("request", lambda r: r.url.startswith((ours, "data:")) or wrong.append(r.url))
        page.goto(ours)
        return page

    yield visited
    for context in contexts:
        context.close()
    assert wrong == []


def test_there_is_a_page_for_every_article_and_one_for_what_is_in_none():
    assert [p.stem for p in PAGES] == ["beyond", "depth", "elegant", "index", "neuron", "product",
                                       "two-layers"]  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_its_window(visit, path, width):
    page = visit(path, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.images.length") == page.evaluate(
        "[...document.images].filter(i => i.alt).length"
    )


def test_no_text_leaves_its_picture_at_any_time(visit, path):
    page = visit(path)
    for part in (0, 0.25, 0.5, 0.75, 1):
        page.evaluate(TO, part)
        assert page.evaluate(OUTSIDE) == []


def test_the_keyboard_moves_every_timeline(visit, path):
    page = visit(path)
    scenes = page.locator(".cr-scene:not(.cr-still)")
    for k in range(scenes.count()):
        scene = scenes.nth(k)
        scene.focus()
        last = scene.locator(".cr-range").get_attribute("max")
        for key, place in (("ArrowRight", "2"), ("End", last), ("ArrowLeft", str(int(last) - 1)),
                           ("Home", "1")):  # fmt: skip
            page.keyboard.press(key)
            assert scene.locator(".cr-range").input_value() == place
        before = scene.locator(".cr-now").text_content()
        page.keyboard.press("End")
        assert scene.locator(".cr-now").text_content() != before


def test_every_link_leads_somewhere(visit, path):
    page = visit(path)
    for link in page.evaluate(LINKS):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.is_file(), link
        assert not anchor or f'id="{anchor}"' in target.read_text("utf-8"), link


def test_a_node_is_read_and_a_box_opens_by_keyboard(visit):
    page = visit(next(p for p in PAGES if p.stem == "neuron"))
    graph = page.locator("#unrolled .cr-graph")
    node = graph.locator(".cr-state:not([hidden]) .node[tabindex]").first
    node.focus()
    assert node.locator("> title").text_content().split("\n")[0] in graph.locator(
        ".cr-card").text_content()  # fmt: skip
    box = graph.locator(".cr-state:not([hidden]) [data-to]").first
    shown = graph.locator(".cr-state:not([hidden]) svg").get_attribute("aria-labelledby")
    box.focus()
    page.keyboard.press("Enter")
    after = graph.locator(".cr-state:not([hidden]) svg").get_attribute("aria-labelledby")
    assert after != shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_follow_the_colours_that_the_reader_prefers(visit, path, scheme):
    page = visit(path, color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    level = sum(int(x) for x in ground[4:-1].split(",")) / 3
    assert level > 200 if scheme == "light" else level < 60
