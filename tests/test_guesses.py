import xml.etree.ElementTree as ET

import pytest

import optlab as ol
from optlab import guesses

CLEAR = [1.0, 1.1, 0.9, 1.05, 0.95]


@pytest.fixture(autouse=True)
def fresh_session(monkeypatch):
    monkeypatch.setattr(guesses, "_guesses", {})
    monkeypatch.setattr(guesses, "_verdicts", {})


def run(label="5.3", sentence="It gains", **side):
    return ol.claim(sentence, CLEAR, **(side or {"at_least": 0.5}), label=label)


def shown(claim):
    return claim._repr_mimebundle_()[0]["text/html"]


def test_a_guess_is_noted_and_shown_beside_what_came():
    assert repr(ol.guess("5.3", "yes")) == ("Your guess on claim 5.3: yes. Now run the experiment.")
    assert "Your guess: yes." in shown(run())
    assert "Your guess" not in shown(run("5.4")) and "Your guess" not in shown(run(None))


@pytest.mark.parametrize(
    ("side", "right"),
    [({"at_least": 0.5}, "yes"), ({"at_least": 2}, "no"), ({"at_least": 1}, "close")],
    ids=str,
)
def test_what_was_foreseen(side, right):
    for i, answer in enumerate(("yes", "no", "close")):
        ol.guess(f"5.{i}", answer)
        run(f"5.{i}", **side)
    score = ol.score()
    assert score.right == 1 and "You foresaw 1 of 3." in repr(score)
    surprises = [f"5.{i}" for i, answer in enumerate(("yes", "no", "close")) if answer != right]
    assert f"Surprises: claim {', '.join(surprises)}." in repr(score)


@pytest.mark.parametrize(("holds", "right"), [(True, "yes"), (False, "no")])
def test_a_fact_can_be_foreseen(holds, right):
    for i, answer in enumerate(("yes", "no")):
        ol.guess(f"5.{i}", answer)
        ol.fact("It is so", holds, label=f"5.{i}")
    assert [row[2] for row in ol.score().rows if guesses.foreseen(*row[2:])] == [right]


def test_a_guess_after_the_run_does_not_count():
    run()
    assert repr(ol.guess("5.3", "yes")) == (
        "Claim 5.3 is judged already (supported): a guess is too late."
    )
    assert ol.score().rows == [] and "Your guess" not in shown(run())
    assert "guess first" in repr(ol.score())


def test_a_guess_that_is_run_again_stays_as_it_was():
    ol.guess("5.3", "no")
    run()
    for answer in ("yes", "no", "?"):
        assert "your guess stays no" in repr(ol.guess("5.3", answer))
    run()
    assert ol.score().rows == [("5.3", "It gains", "no", "supported")]
    assert repr(ol.score()).endswith("You foresaw 0 of 1. Surprises: claim 5.3.")


def test_a_guess_can_be_changed_or_taken_back_before_the_run():
    ol.guess("5.3", "no")
    ol.guess("5.3", "yes")
    ol.guess("5.4", "yes")
    assert "Write" in repr(ol.guess("5.4"))
    assert "Your guess: yes." in shown(run()) and "Your guess" not in shown(run("5.4"))
    assert [row[0] for row in ol.score().rows] == ["5.3"]


def test_a_guess_whose_claim_is_not_judged_yet_has_no_row():
    ol.guess("5.3", "no")
    assert ol.score().rows == []


def test_the_last_verdict_counts():
    ol.guess("5.3", "no")
    run()
    run(at_least=2)
    assert ol.score().right == 1


def test_the_score_as_a_table():
    ol.guess("5.3", "yes")
    ol.guess("5.4", "yes")
    run(sentence="a < b & c")
    run("5.4", at_least=2)
    page = ET.fromstring(f"<div>{ol.score()._repr_html_()}</div>")
    cells = [[cell.text for cell in row] for row in page.iter("tr")][1:]
    assert cells == [
        ["5.3", "a < b & c", "yes", "supported", "✓"],
        ["5.4", "It gains", "yes", "contradicted", "✗ surprise"],
    ]
    assert page.find("p").text == "You foresaw 1 of 2. Surprises: claim 5.4."
    assert [line.split()[:4] for line in repr(ol.score()).splitlines()[:2]] == [
        ["5.3", "you:", "yes", "came:"], ["5.4", "you:", "yes", "came:"]
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["5", "5.3.1", "claim 5.3", 5.3, "", None, "5.3\n"])
def test_a_label_that_is_none_is_refused(label):
    with pytest.raises(ValueError, match='give lesson and number, such as "5.3"'):
        ol.guess(label, "yes")


@pytest.mark.parametrize("answer", ["Yes", "maybe", "", None, True, ["yes"]])
def test_an_answer_that_is_none_is_refused(answer):
    with pytest.raises(ValueError, match='give "yes", "no" or "close"'):
        ol.guess("5.3", answer)
