"""The quiz asks what the lessons answer, in a text that Moodle reads as it is meant."""

import re
import sys

import pytest
from test_package import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import quiz  # noqa: E402
from lessons import LESSONS, read, slug, stored_claims  # noqa: E402


@pytest.mark.parametrize("path", LESSONS, ids=slug)
def test_a_lesson_has_five_to_eight_questions_with_its_own_answers(path):
    notebook = read(path)
    asked = quiz.questions(notebook)
    verdicts = {c["label"]: (c["sentence"], c["verdict"]) for c in stored_claims(notebook)}
    assert 5 <= len(asked) <= 8
    for label, sentence, verdict, evidence in asked:
        assert verdicts[label] == (sentence, verdict)
        assert evidence.startswith("Evidence: ") or verdict in ("true", "false")
    mains = [c["label"] for c in stored_claims(notebook) if c.get("main")]
    assert {label for label, *_ in asked} >= set(mains)


def test_gift_gives_back_what_went_in():
    asked = [("1.2", "A = {B}: 5 ~ 6 # \\ 7", "undecided", "Evidence: 1 to 2; 3 = 3.")]
    (question,) = re.findall(r"^::.*", quiz.gift("Sums", asked), flags=re.M)
    signs = re.sub(r"[^{}=~#:]", "", re.sub(r"\\.", "", question))  # what Moodle acts on
    assert signs == "::::{~~=####}"
    back = re.sub(r"\\(.)", r"\1", question)
    assert asked[0][1] in back and asked[0][3] in back


def test_the_answer_of_a_question_is_the_one_that_is_marked():
    for verdict, others in {"supported": 2, "contradicted": 2, "undecided": 2, "true": 1}.items():
        text = quiz.gift("Sums", [("1.2", "A", verdict, "E")])
        assert re.findall(r"=(\w+)", text) == [verdict.capitalize()]
        assert len(re.findall(r"~\w+", text)) == others


def test_both_forms_are_written(tmp_path):
    quiz.main(tmp_path / "quiz")
    written = {path.name for path in (tmp_path / "quiz").iterdir()}
    assert written == {"quiz.md", *(f"{path.stem}.gift" for path in LESSONS)}
