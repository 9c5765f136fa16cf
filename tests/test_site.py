"""The site: built without a warning, nothing broken in it, and usable by everyone.

What it looks like in Chromium is tested as well; without Chromium those tests are skipped, loudly.
"""

import functools
import html
import html.parser
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: the site was NOT built")
pytest.importorskip("myst_nb", reason="myst-nb is not installed: the site was NOT built")
pytest.importorskip("furo", reason="furo is not installed: the site was NOT built")

import optlab  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from build_site import claim_box, link_claims  # noqa: E402
from handouts import print_lesson  # noqa: E402
from lessons import LESSONS, NOTEBOOKS, read, slug, stored_claims  # noqa: E402

pytestmark = pytest.mark.slow

PAGES = [f"notebooks/{slug(path)}.html" for path in NOTEBOOKS]
# One page of each kind; colours come from the same style sheets on all.
KINDS = [
    "index",
    "notebooks/00_start_here",
    "benchmarks/README",
    "docs/glossary",
    "docs/coverage",
    "claims",
    "api/sweep",
]
LOADS = ("script", "img", "link", "source", "iframe", "video", "audio", "embed", "object", "image")


class Page(html.parser.HTMLParser):
    """What a page holds: ids, links, what it loads, images, headings and its words."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.images = set(), [], [], []
        self.headings, self.words = [], []
        self.quiet = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id"))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADS:
            self.loads += [values[k] for k in ("src", "href", "data", "poster") if values.get(k)]
        if tag == "img":
            self.images.append((values["src"][:60], values.get("alt") or ""))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.quiet = tag in ("script", "style")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        self.quiet = False

    def handle_data(self, data):
        if not self.quiet:
            self.words.append(data)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Build the site as `make site` does; return its folder and what Sphinx printed."""
    folder = tmp_path_factory.mktemp("the site") / "site"
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "build_site.py"), str(folder)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout + done.stderr


@pytest.fixture(scope="session")
def pages(built):
    """Read all pages, by their place in the site."""
    return {
        path.relative_to(built[0]).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(built[0].rglob("*.html"))
    }


# ---- what stands in the files ----------------------------------------------------------------


def test_it_is_built_without_a_warning(built):
    assert "warning" not in built[1].lower()


def test_every_lesson_is_there_and_leads_to_the_next(pages):
    assert {name for name in pages if name.startswith("notebooks/")} == set(PAGES)
    cores = PAGES[: len(LESSONS)]
    for page, following in zip(cores, cores[1:], strict=False):
        assert Path(following).name in pages[page].links
    assert set(PAGES) <= set(pages["index.html"].links)


def broken(page, place, pages, folder):
    """Return the links and sources of a page that lead nowhere, or to another host."""
    found = []
    for target in [*page.links, *page.loads]:
        parts = urlsplit(target)
        if parts.scheme == "data" or (parts.scheme in ("http", "https") and target in page.links):
            continue
        if parts.scheme or parts.netloc:
            found.append(f"{place} loads from another host: {target}")
            continue
        path = (folder / place).parent / unquote(parts.path) if parts.path else folder / place
        if not path.is_file():
            found.append(f"{place}: {target} leads nowhere")
        elif parts.fragment and path.suffix == ".html":
            there = pages[path.resolve().relative_to(folder.resolve()).as_posix()]
            if unquote(parts.fragment) not in there.ids:
                found.append(f"{place}: {target} has no such place")
    return found


def test_no_link_is_broken_and_nothing_comes_from_another_host(pages, built):
    assert [x for place in pages for x in broken(pages[place], place, pages, built[0])] == []


def test_style_sheets_and_scripts_load_nothing_from_another_host(built):
    for path in built[0].rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", text), path.name


def test_broken_things_are_found(built):
    folder, _ = built
    text = """<h1 id="top">x</h1><a href="#top"></a><a href="index.html"></a>
        <a href="https://example.org/paper"></a><img src="data:image/png;base64," alt="x">
        <a href="#nowhere"></a><a href="gone.html"></a><a href="index.html#gone"></a>
        <img src="gone.png"><script src="https://example.org/x.js"></script>
        <link href="//example.org/x.css">"""
    page = Page(text)
    found = broken(page, "x.html", {"x.html": page, "index.html": Page("")}, folder)
    # x.html itself is not in the folder, hence the first two
    assert [line.split()[1] for line in found] == [
        "#top", "#nowhere", "gone.html", "index.html#gone", "gone.png", "loads", "loads",
    ]  # fmt: skip


def test_every_figure_has_its_stored_description(pages):
    for path in NOTEBOOKS:
        stored = [
            output["metadata"]["image/png"]["alt"]
            for cell in read(path)["cells"]
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        ]
        shown = [alt for _, alt in pages[f"notebooks/{slug(path)}.html"].images]
        assert not set(stored) - set(shown)
    for place, page in pages.items():
        assert [source for source, alt in page.images if len(alt) < 20] == [], place


def test_headings_are_in_order(pages):
    for place, page in pages.items():
        assert page.headings.count(1) == 1 and page.headings[0] == 1, place
        steps = zip(page.headings, page.headings[1:], strict=False)
        assert all(b - a <= 1 for a, b in steps), (place, page.headings)


def test_every_claim_stands_in_the_table(pages):
    table, words = pages["claims.html"], " ".join("".join(pages["claims.html"].words).split())
    for path in NOTEBOOKS:
        notebook = read(path)
        for number, claim in enumerate(stored_claims(notebook), 1):
            assert f"notebooks/{slug(path)}.html#claim-{number}" in table.links
            row = f"{claim.get('label', '–')} {claim['verdict']} {claim['sentence']}"
            assert " ".join(row.split()) in words
        texts = ["".join(o["data"]["text/plain"]) for c in notebook["cells"]
                 for o in c.get("outputs", []) if "optlab" in o.get("metadata", {})]  # fmt: skip
        for text in texts:
            assert " ".join(text.partition("Evidence: ")[2].split()) in words


def output_of(claim):
    data, metadata = claim._repr_mimebundle_()
    return {"data": data, "metadata": metadata}


def test_a_claim_is_shown_by_its_card_or_else_by_its_words():
    claim = optlab.claim("A < B", [0.1, 0.2, 0.1, 0.2, 0.1], at_least=0.05, label="5.3")
    card = output_of(claim)
    shown = claim_box(card, 7)
    assert shown == f'<div class="card supported" id="claim-7">{card["data"]["text/html"]}</div>'
    assert "A &lt; B (claim 5.3)" in shown and Page(shown).images[0][1].startswith("One dot per")
    del card["data"]["text/html"]
    box = claim_box(card, 7)
    assert Page(box).ids == {"claim-7", None} and "A &lt; B (claim 5.3)" in box
    assert 'class="claim supported"' in box and "Evidence: 0.14" in box


def test_a_claim_that_the_text_names_is_linked():
    here, there = LESSONS[:2]
    places = {"0.1": (here, 1), "1.12": (there, 14)}
    text = "Rate 0.1 is good (claim 0.1), and more so (claims 1.12 and 9.9)."
    assert link_claims(text, places, here) == (
        'Rate 0.1 is good (claim <a href="#claim-1">0.1</a>), and more so '
        f'(claims <a href="{there.stem}.html#claim-14">1.12</a> and 9.9).'
    )


def test_the_whole_face_is_documented(pages):
    known = set().union(*(page.ids for name, page in pages.items() if name.startswith("api/")))
    wanted = {f"optlab.{name}" for name in optlab.__all__ if name != "updates"}
    assert wanted <= known and "optlab.updates.adam" in known


def test_lessons_link_the_words_of_the_glossary(pages):
    terms = {name for name in pages["docs/glossary.html"].ids if name and name.startswith("term-")}
    assert len(terms) > 50
    for place in PAGES:
        up = "../" * place.count("/")
        linked = [x for x in pages[place].links if x.startswith(f"{up}docs/glossary.html#term-")]
        fewest = 8 if place.count("/") == 1 else 3  # what goes deeper knows its lesson's words
        assert len(linked) >= fewest, place
        assert len(set(linked)) == len(linked), place  # the first use only


# ---- what one sees in a browser --------------------------------------------------------------


@pytest.fixture(scope="session")
def address(built):
    """Serve the site on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(built[0]))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_search_finds_a_word(open_page, address):
    page = open_page(address)
    page.goto(address)
    page.get_by_placeholder("Search").first.fill("look-ahead")
    page.keyboard.press("Enter")
    page.locator("#search-results li a").first.wait_for()
    assert page.locator("#search-results li a", has_text="06 Add momentum").count()
    assert page.outside == []


def test_dark_is_a_click_away_and_stays(open_page, address):
    page = open_page(address, color_scheme="light")
    page.goto(address)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    for _ in range(3):  # light, dark, as the system has it
        if page.evaluate("document.body.dataset.theme") != "dark":
            page.locator("button.theme-toggle:visible").first.click()
    assert page.evaluate("document.body.dataset.theme") == "dark"
    assert page.evaluate(paper) != light
    page.goto(address + PAGES[0])
    assert page.evaluate("document.body.dataset.theme") == "dark"


# What reaches beyond the screen, unless it lies in something that scrolls by itself.
BEYOND = """() => [...document.querySelectorAll("article *")].filter(element => {
    if (element.getBoundingClientRect().right <= innerWidth + 1) return false;
    for (let box = element.parentElement; box.tagName !== "ARTICLE"; box = box.parentElement)
        if (/auto|scroll/.test(getComputedStyle(box).overflowX)) return false;
    return !element.closest("mjx-assistive-mml");
}).map(element => element.outerHTML.slice(0, 150))"""


def test_every_lesson_shows_its_figures_and_formulas(open_page, address):
    page, missing = open_page(address), []
    page.on("response", lambda r: missing.append(r.url) if r.status >= 400 else None)
    for place in PAGES:
        page.goto(address + place)
        page.wait_for_load_state("load")
        if page.locator(".math").count():
            page.wait_for_function(
                "() => [...document.querySelectorAll('.math')].every("
                "math => math.querySelector('mjx-container svg'))"
            )
        assert page.locator("[data-mml-node=merror]").count() == 0, place
        dead = "[...document.images].filter(x => !x.complete || !x.naturalWidth).map(x => x.src)"
        assert page.evaluate(dead) == [], place
        for width in (1300, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(BEYOND) == [], (place, width)
        page.set_viewport_size({"width": 1300, "height": 900})
    assert page.outside == [] and missing == []


def test_the_animation_plays(open_page, address):
    page = open_page(address)
    racing = [x for x, path in zip(PAGES, NOTEBOOKS, strict=True)
              if any('createElement("canvas")' in "".join(o.get("data", {}).get("text/html", ""))
                     for c in read(path)["cells"] for o in c.get("outputs", []))]  # fmt: skip
    if not racing:
        pytest.skip("no lesson stores an animation yet")
    page.goto(address + racing[0])
    page.locator("canvas[aria-label^='Paths racing']").first.wait_for()
    step = page.get_by_text(re.compile(r"^step \d+ of \d+$")).first
    first = step.text_content()
    page.wait_for_function("([e, t]) => e.textContent !== t", arg=[step.element_handle(), first])
    assert page.outside == []


def test_nothing_reaches_beyond_a_narrow_screen(open_page, address):
    page = open_page(address, viewport={"width": 390, "height": 800})
    for place in [*KINDS, "replication/README"]:
        page.goto(f"{address}{place}.html")
        assert page.evaluate(BEYOND) == [], place


def serious(page, axe, **options):
    """Return what axe-core finds that is serious or critical."""
    found = axe.run(page, options={"resultTypes": ["violations"], **options}).response
    return [
        (page.url, violation["id"], node["html"][:200])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]


def test_everyone_can_use_it(open_page, address):
    """The lessons and a page of each kind, by all rules of axe-core but the slow one on colours."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, found = open_page(address), []
    for place in sorted({*PAGES, *(f"{kind}.html" for kind in KINDS)}):
        page.goto(address + place)
        # the colours of code are thousands of elements, and no other rule is about them
        page.evaluate("document.querySelectorAll('pre').forEach(x => x.textContent += '')")
        found += serious(page, axe, rules={"color-contrast": {"enabled": False}})
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast(open_page, address, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, found = open_page(address, color_scheme=scheme), []
    for place in KINDS:
        page.goto(f"{address}{place}.html")
        found += serious(page, axe, runOnly=["color-contrast"])
    assert found == []


def test_a_lesson_is_printed_whole(browser, built, tmp_path):
    page = browser.new_page()
    pdf = print_lesson(page, built[0], "00_start_here", tmp_path).read_bytes()
    said = page.inner_text("body")
    page.close()
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", pdf)) >= 5
    figures = sum(
        "image/png" in output.get("data", {})
        for cell in read(LESSONS[0])["cells"]
        for output in cell.get("outputs", [])
    )
    assert len(re.findall(rb"/Subtype /Image\b", pdf)) >= figures > 0
    assert "Going further" in said and "Skip to content" not in said
