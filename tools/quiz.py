"""Write quiz questions from the lessons' claims, for Moodle and to read: `make quiz`.

Usage: quiz.py [FOLDER]       (default: build/quiz)

A question asks what a claim comes to; its answer and its numbers are those that the lesson stores.
GIFT is the text format that Moodle imports (https://docs.moodle.org/en/GIFT_format).
"""

import re
import sys
from pathlib import Path

from lessons import LESSONS, ROOT, read, source

LEAST, MOST = 5, 8  # questions of a lesson
CLAIM = ("supported", "contradicted", "undecided")
ASKED = {CLAIM: "Over many runs, what does this come to?", ("true", "false"): "Is this so?"}


def title(notebook):
    """Return a lesson's title."""
    return re.search(r"^# (.*)", source(notebook["cells"][0]), flags=re.M)[1]


def questions(notebook):
    """Return a lesson's questions, (label, sentence, verdict, evidence): those to guess first.

    Facts only fill up, since most of them are true.
    """
    guessed = re.findall(r"ol\.guess\(\"([\w.]+)\"", "\n".join(map(source, notebook["cells"])))
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            stored = output.get("metadata", {}).get("optlab", {})
            if stored.get("label"):
                said = "".join(output["data"]["text/plain"]).split("\n", 1)
                evidence = " ".join(said[1].split()) if len(said) > 1 else ""
                rank = (stored["verdict"] not in CLAIM, not stored.get("main"),
                        stored["label"] not in guessed, len(found))  # fmt: skip
                found.append((rank, (stored["label"], stored["sentence"], stored["verdict"],
                                     evidence)))  # fmt: skip
    claims = sum(not fact for (fact, *_), _ in found)
    chosen = sorted(found)[: min(max(claims, LEAST), MOST)]
    return [question for _, question in sorted(chosen, key=lambda entry: entry[0][-1])]


def asks(verdict):
    """Return the words of a question and its possible answers."""
    return next((words, answers) for answers, words in ASKED.items() if verdict in answers)


def gift(name, asked):
    """Return questions as GIFT."""
    lines = [f"$CATEGORY: $course$/optlab/{name}\n"]
    for label, sentence, verdict, evidence in asked:
        words, answers = asks(verdict)
        options = " ".join(f"{'=' if a == verdict else '~'}{a.capitalize()}" for a in answers)
        lines.append(f"::{plain(label)}:: {plain(words)} “{plain(sentence)}” "
                     f"{{{options} ####{plain(evidence)}}}\n")  # fmt: skip
    return "\n".join(lines)


def plain(text):
    """Return text without what GIFT reads as its own signs."""
    return re.sub(r"([~=#{}:\\])", r"\\\1", text)


def page(name, asked):
    """Return questions as Markdown, the answers folded."""
    lines = [f"## {name}\n"]
    for label, sentence, verdict, evidence in asked:
        lines.append(f"{label}. {asks(verdict)[0]} *{sentence}* <details><summary>answer</summary>"
                     f"{verdict.capitalize()}. {evidence}</details>\n")  # fmt: skip
    return "\n".join(lines)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    pages = ["# Quiz\n"]
    for path in LESSONS:
        notebook = read(path)
        asked = questions(notebook)
        (folder / f"{path.stem}.gift").write_text(gift(title(notebook), asked), encoding="utf-8")
        pages.append(page(title(notebook), asked))
    (folder / "quiz.md").write_text("\n".join(pages), encoding="utf-8")
    print(f"The questions are in {folder}: one .gift file a lesson for Moodle, quiz.md to read.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "quiz")
