import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

import optlab as ol
from optlab.cards import DOTS, GREY, WIDTH, card, strip

SVG = "{http://www.w3.org/2000/svg}"
GAIN = [0.02, 0.03, 0.02, 0.03, 0.02]
NAN, INF = float("nan"), float("inf")
MANY = np.random.default_rng(0).normal(1, 2, size=1000)
CLAIMS = {
    "points": ol.claim("It gains", GAIN, at_least=0.01, unit="points", label="99.3"),
    "at most": ol.claim("It gains", GAIN, at_most=0.01, unit="points"),
    "range": ol.claim("It stays", GAIN, between=(-0.05, 0.05), unit="points", main=True),
    "far range": ol.claim("It stays", GAIN, between=(-3, -2)),
    "epochs": ol.claim("It waits", [3, 4, 5, 6, 20], at_most=10, unit="epochs", per="start"),
    "ratio": ol.claim("It doubles", [1.5, 2, 3, 4, 9], at_least=2, unit="times"),
    "ratio range": ol.claim("It stays", [0.9, 1, 1.1, 1, 1], between=(0.5, 2), unit="times"),
    "ratio, zero": ol.claim("It doubles", [1.5, 2, 0, 4, 9], at_least=2, unit="times"),
    "ratio, far": ol.claim("It doubles", [1e-30, 1e30, 1, 2, 3], at_least=2, unit="times"),
    "all runs": ol.claim("It arrives", [True] * 20, at_least=0.5),
    "no run": ol.claim("It arrives", [False] * 20, at_least=0.5),
    "runs": ol.claim("It arrives", [1, 0, 1, 1, 0, 1, 1], at_least=0.5),
    "many runs": ol.claim("It arrives", [1] * 998 + [0] * 2, at_most=0.5),
    "missing": ol.claim("It gains", [1, 2, NAN, INF, 3, -INF], at_least=0),
    "equal": ol.claim("It gains", [2.0] * 7, at_least=0),
    "one": ol.claim("It gains", [2.0], at_least=0),
    "zeros": ol.claim("It stays", [0.0] * 7, between=(-0.01, 0.01)),
    "many": ol.claim("It gains", MANY, at_least=0),
    "huge": ol.claim("It gains", np.array([1, 2, 3, 4, 5]) * 1e300, at_least=0, unit="epochs"),
    "tiny": ol.claim("It gains", np.array([1, 2, 3, 4, 5]) * 1e-9, at_least=1, unit="epochs"),
}


@pytest.fixture(params=CLAIMS)
def claim(request):
    return CLAIMS[request.param]


class Page(HTMLParser):
    """The tags, attributes and words of a card."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], "", []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("br", "img"):
            self.open.append(tag)
        self.words += "\n" if tag == "br" else ""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, words):
        self.words += words


def picture(claim):
    """Return the strip as a card holds it."""
    (image,) = [a for tag, a in Page(card(claim)).tags if tag == "img"]
    kind, data = image["src"].split(",")
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(data).decode()


def dots(svg):
    """Return where the dots lie, (x, y)."""
    (path,) = [p for p in ET.fromstring(svg).iter(f"{SVG}path") if "h0" in p.get("d")]
    return [tuple(map(float, dot)) for dot in re.findall(r"M(\S+) (\S+?)h0", path.get("d"))]


def shaded(svg):
    """Return where the claimed side begins and ends."""
    (rect,) = ET.fromstring(svg).iter(f"{SVG}rect")
    assert rect.get("fill") == GREY
    return float(rect.get("x")), float(rect.get("x")) + float(rect.get("width"))


def whiskers(svg):
    """Return the ends of the interval, and its middle."""
    paths = [p.get("d") for p in ET.fromstring(svg).iter(f"{SVG}path")]
    (ends,) = [re.match(r"M(\S+) 28H([-\d.]+)M", d).groups() for d in paths if " 28H" in d]
    (middle,) = [re.match(r"M(\S+) 23l", d)[1] for d in paths if "23l" in d]
    return (*map(float, ends), float(middle))


# ---- the picture -----------------------------------------------------------------------------


def test_the_picture_is_plain_svg(claim):
    svg = picture(claim)
    assert svg == strip(claim)
    tags = {element.tag for element in ET.fromstring(svg).iter()}
    assert tags <= {f"{SVG}{name}" for name in ("svg", "rect", "path", "text")}
    bare = svg.replace('xmlns="http://www.w3.org/2000/svg"', "").lower()
    for word in ("http", "href", "url(", "script", "foreignobject", "style", "on", "@"):
        assert not re.search(rf"(?<![a-z]){re.escape(word)}", re.sub(r">[^<]*<", "><", bare))
    assert "nan" not in bare and "inf" not in bare


def test_everything_lies_within_the_picture(claim):
    svg = strip(claim)
    marks = [x for x, _ in dots(svg)] + list(shaded(svg))
    if np.isfinite(claim.interval[0]):
        marks += whiskers(svg)
    assert min(marks) >= 0 and max(marks) <= WIDTH


def test_there_is_one_dot_a_value(claim):
    there = np.isfinite(claim.effect) & ((claim.kind != "ratio") | (claim.effect > 0))
    places = dots(strip(claim))
    assert len(places) == min(there.sum(), DOTS)
    for row in {y for _, y in places}:  # none hides another
        assert np.diff(sorted(x for x, y in places if y == row)).min(initial=9) > 0.9


def test_dots_keep_the_order_and_the_distance_of_their_values():
    claim = ol.claim("a", [3.0, 1.0, 2.0, 5.0, 1.5], at_least=0)
    places = np.sort([x for x, _ in dots(strip(claim))])
    np.testing.assert_allclose(
        np.diff(places) / np.ptp(places), np.diff([1, 1.5, 2, 3, 5]) / 4, atol=0.005
    )
    claim = ol.claim("a", [1.0, 10.0, 100.0, 1000.0, 1e4], at_least=10, unit="times")
    steps = np.diff(np.sort([x for x, _ in dots(strip(claim))]))
    assert np.ptp(steps) <= 0.2  # as far apart as their logarithms


def test_equal_values_lie_beside_each_other_around_their_place():
    claim = ol.claim("a", [0.0] * 9 + [1.0] * 39 + [2.0, 4.0], at_least=-1)
    places = np.array(dots(strip(claim)))
    assert len(set(map(tuple, places))) == 50
    left, right = places[:, 0].min(), places[:, 0].max()
    ones = [x for x, _ in places if abs(x - (left + 4 + (right - left - 4) / 4)) < 40]
    assert len(ones) == 39 and abs(np.mean(ones) - (min(ones) + max(ones)) / 2) < 0.1


def test_a_rare_failure_among_many_runs_keeps_its_dot():
    places = np.array(dots(strip(CLAIMS["many runs"])))[:, 0]
    assert len(places) == 100 and np.sum(places < WIDTH / 2) == 1
    none = ol.claim("It arrives", [1] * 1000, at_least=0.5)
    assert np.min(dots(strip(none)), axis=0)[0] > WIDTH / 2


@pytest.mark.parametrize(
    ("side", "inside"),
    [
        ({"at_least": 2.5}, [3, 4]),
        ({"at_most": 2.5}, [1, 2]),
        ({"between": (1.5, 3.5)}, [2, 3]),
        ({"at_least": -50}, [1, 2, 3, 4]),
        ({"at_most": -50}, []),
    ],
    ids=str,
)
@pytest.mark.parametrize("unit", [None, "epochs", "points", "percent"])
def test_the_claimed_side_holds_the_dots_that_are_on_it(side, inside, unit):
    svg = strip(ol.claim("a", [1.0, 2.0, 3.0, 4.0, 4.0], **side, unit=unit))
    left, right = shaded(svg)
    places = sorted({x for x, _ in dots(svg)})
    assert [i for i, x in enumerate(places, 1) if left < x < right] == inside
    assert (left == 0) == ("at_most" in side) and (right == WIDTH) == ("at_least" in side)


@pytest.mark.parametrize(
    ("effect", "side", "inside"),
    [
        ([0.5, 1.0, 3.0, 4.0, 5.0], {"at_least": 2}, 3),
        ([0.5, 1.0, 3.0, 4.0, 5.0], {"at_most": 2}, 2),
        ([0.5, 1.0, 3.0, 4.0, 5.0], {"between": (0.75, 3.5)}, 2),
    ],
    ids=str,
)
def test_the_claimed_side_of_a_ratio(effect, side, inside):
    svg = strip(ol.claim("a", effect, **side, unit="times"))
    left, right = shaded(svg)
    assert sum(left < x < right for x, _ in dots(svg)) == inside


@pytest.mark.parametrize(
    ("side", "inside"), [({"at_least": 0.5}, 5), ({"at_most": 0.5}, 2)], ids=str
)
def test_the_claimed_side_of_a_share(side, inside):
    svg = strip(ol.claim("a", [1, 0, 1, 1, 0, 1, 1], **side))
    left, right = shaded(svg)
    assert sum(left < x < right for x, _ in dots(svg)) == inside


@pytest.mark.parametrize("name", ["points", "epochs", "ratio", "runs", "all runs", "many"])
def test_the_interval_and_its_estimate_are_drawn_to_scale(name):
    claim = CLAIMS[name]
    svg, scale = strip(claim), (np.log if claim.kind == "ratio" else np.asarray)
    low, high, middle = whiskers(svg)
    side = shaded(svg)[0 if np.isfinite(claim.low) else 1]
    mean = scale(claim.effect).mean()
    ends = scale(claim.interval)
    one = float(scale(claim.low if np.isfinite(claim.low) else claim.high))
    np.testing.assert_allclose(
        np.array([low, high, middle]) - side,
        (np.array([*ends, mean]) - one) * (high - low) / (ends[1] - ends[0]),
        atol=0.5,
    )


@pytest.mark.parametrize("name", ["missing", "equal", "one", "zeros", "ratio, zero"])
def test_no_interval_is_drawn_where_there_is_none(name):
    assert " 28H" not in strip(CLAIMS[name])
    assert "no interval" in CLAIMS[name].evidence


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("points", ["1 points"]),
        ("range", ["-5 points", "5 points"]),
        ("epochs", ["10 epochs"]),
        ("ratio range", ["0.5 times", "2 times"]),
        ("runs", ["50 %"]),
        ("missing", ["0"]),
    ],
)
def test_the_claimed_side_is_named(name, words):
    assert [t.text for t in ET.fromstring(strip(CLAIMS[name])).iter(f"{SVG}text")] == words


def test_nothing_is_drawn_where_no_run_has_a_value():
    page = Page(card(ol.claim("It gains", [NAN] * 6, at_least=0)))
    assert "img" not in dict(page.tags) and "none of 6 seeds has a value" in page.words


# ---- the card --------------------------------------------------------------------------------


def test_a_card_says_all_that_plain_text_says(claim):
    words = " ".join(Page(card(claim)).words.split())
    for part in (claim.sentence, claim.evidence, claim.verdict.capitalize()):
        assert part in words
    if not claim.as_expected:
        assert f"Not as expected: the text says {claim.expected}." in words
    assert ("(claim 99.3)" in words) == (claim.label == "99.3")


@pytest.mark.parametrize(
    ("name", "shape"), [("points", "✓ Supported:"), ("at most", "✗ Contradicted:"),
                        ("runs", "≈ Undecided:")]
)  # fmt: skip
def test_a_verdict_is_told_by_word_and_shape(name, shape):
    assert Page(card(CLAIMS[name])).words.startswith(shape)


def test_a_fact_has_a_card_of_words():
    page = Page(card(ol.fact("One is one", True, label="5.9")))
    assert page.words == "✓ True: One is one (claim 5.9)"
    wrong = Page(card(ol.fact("One is two", False)))
    assert wrong.words.startswith("✗ False: ") and "the text says true" in wrong.words


def test_a_card_is_small_and_static(claim):
    html = card(claim, "yes")
    assert len(html.encode()) < 4000
    assert {tag for tag, _ in Page(html).tags} <= {"div", "strong", "small", "br", "img"}
    assert "http" not in html and "Your guess: yes." in html


def test_a_picture_has_an_alternative_text(claim):
    (image,) = [a for tag, a in Page(card(claim)).tags if tag == "img"]
    assert image["alt"] == f"One dot per {claim.per}, the interval, the claimed side."
    assert int(image["width"]) == WIDTH


def test_words_are_escaped():
    evil = 'a < b & "c" </div><script>alert(1)</script><img src=x onerror=y>'
    claim = ol.claim(evil, GAIN, at_least=0.01, unit="<i>", per='x"><b', over="<u>new</u> &amp;")
    page = Page(card(claim))
    assert [tag for tag, _ in page.tags] == ["div", "strong", "br", "small", "br", "img"]
    assert evil in page.words and "<u>new</u> &amp;" in page.words and "<i>" in page.words
    assert dict(page.tags)["img"]["alt"].startswith('One dot per x"><b, ')
    ET.fromstring(strip(claim))


def test_a_notebook_stores_the_card_and_the_words():
    data, _ = CLAIMS["points"]._repr_mimebundle_()
    assert data == {
        "text/plain": repr(CLAIMS["points"]), "text/html": card(CLAIMS["points"])
    }  # fmt: skip
