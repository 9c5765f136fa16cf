"""Write quiz questions from the lessons' claims, for Moodle and to read: `make quiz`.

Usage: quiz.py [FOLDER]       (default: build/quiz)

A question asks what a claim comes to; its answer and its numbers are those that the lesson stores.
GIFT is the text format that Moodle imports (https://docs.moodle.org/en/GIFT_format).
"""

import re
import sys
from pathlib import Path

from lessons import LESSONS, ROOT, read, source

MOST = 8  # questions of a lesson
ASKED = "Over many runs, what does this come to?"
ANSWERS = ("supported", "contradicted", "undecided")


def title(notebook):
    """Return a lesson's title."""
    return re.search(r"^# (.*)", source(notebook["cells"][0]), flags=re.M)[1]


def questions(notebook):
    """Return a lesson's questions, (label, sentence, verdict, evidence): those to guess first."""
    guessed = re.findall(r"ol\.guess\(\"([\w.]+)\"", "\n".join(map(source, notebook["cells"])))
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            stored = output.get("metadata", {}).get("optlab", {})
            if stored.get("label") and stored["verdict"] in ANSWERS:
                said = "".join(output["data"]["text/plain"]).split("\n", 1)
                evidence = " ".join(said[1].split()) if len(said) > 1 else ""
                rank = (not stored["main"], stored["label"] not in guessed, len(found))
                found.append((rank, (stored["label"], stored["sentence"], stored["verdict"],
                                     evidence)))  # fmt: skip
    chosen = sorted(found)[:MOST]
    return [question for _, question in sorted(chosen, key=lambda entry: entry[0][2])]


def gift(name, asked):
    """Return questions as GIFT."""
    lines = [f"$CATEGORY: $course$/optlab/{name}\n"]
    for label, sentence, verdict, evidence in asked:
        options = " ".join(f"{'=' if a == verdict else '~'}{a.capitalize()}" for a in ANSWERS)
        lines.append(f"::{plain(label)}:: {plain(ASKED)} “{plain(sentence)}” "
                     f"{{{options} ####{plain(evidence)}}}\n")  # fmt: skip
    return "\n".join(lines)


def plain(text):
    """Return text without what GIFT reads as its own signs."""
    return re.sub(r"([~=#{}:\\])", r"\\\1", text)


def page(name, asked):
    """Return questions as Markdown, the answers folded."""
    lines = [f"## {name}\n", f"{ASKED}\n"]
    for label, sentence, verdict, evidence in asked:
        lines.append(f"{label}. *{sentence}* <details><summary>answer</summary>"
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
