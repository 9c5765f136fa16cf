"""The front page and the contributor's page say what is so: lessons, minutes, figures, targets."""

import json
import re
import sys
import tomllib

import pytest
from test_package import ORDER, ROOT

sys.path.insert(0, str(ROOT / "tools"))
from lessons import LESSONS, read, source, stored_claims  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")


def minutes(path):
    """Return how many minutes the head of a lesson says to plan."""
    head = " ".join("\n".join(source(c) for c in read(path)["cells"][:4]).split())
    return int(re.search(r"plan (\d+) minutes", head).group(1))


def row(words):
    """Return the cells of the table's row of the instructor's guide that begins so."""
    line = next(x for x in GUIDE.splitlines() if x.startswith(f"| {words} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_table_of_lessons():
    found = re.findall(
        r"^\| \[(\d\d) (.*?)\]\(notebooks/(.*?)\) \| .* \| (\d+) \|$", README, flags=re.M
    )
    expected = []
    for path in LESSONS:
        title = path.stem[3:].replace("_", " ")
        expected.append((path.stem[:2], title.lower(), path.name, str(minutes(path))))
    named = {"meet mnist": "Meet MNIST", "schedules on mnist": "Schedules on MNIST"}
    assert [(n, t.lower().replace("cross-", "cross "), f, m) for n, t, f, m in found] == expected
    assert all(t == named.get(t.lower(), t.capitalize()) for _, t, _, _ in found)


def test_the_instructors_minutes():
    assert dict(zip(row("lesson"), row("minutes"), strict=True)) == {
        path.stem[:2]: str(minutes(path)) for path in LESSONS
    }


def test_the_surprises_are_claims():
    """Each stands in its lesson word for word, with that verdict."""
    text = " ".join(README.split())
    quoted = re.findall(r"\*\*(\w+)\*\*: \*([^*]+)\* \(lesson (\d\d)", text)
    assert len(quoted) == 3
    for verdict, sentence, number in quoted:
        (path,) = (path for path in LESSONS if path.stem.startswith(number))
        claims = {c["sentence"]: c["verdict"] for c in stored_claims(read(path))}
        assert claims[sentence] == verdict.lower()


def test_the_seconds_are_the_benchmarks():
    measured = json.loads((ROOT / "benchmarks" / "results.json").read_text())["A4"]
    ours, loop = measured["ensemble"], measured["classic"]
    assert ours["runs"] == 160
    text = " ".join(README.split())
    assert f"in {ours['first']:.1f} seconds" in text
    assert f"would take {loop['first'] / loop['runs'] * 160 / 60:.0f} minutes" in text


def test_there_is_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", cited, flags=re.M)[1] == version
    assert re.search(r"^## ([\d.]+)", changes, flags=re.M)[1] == version
    assert set(re.findall(r"optlab-([\d.]+)-py3", README)) == {version}


@pytest.mark.parametrize("page", [README, CONTRIBUTING, GUIDE], ids=["README", "how", "guide"])
def test_targets_and_files_exist(page):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", page, flags=re.M):
        assert target in targets, target
    base = ROOT / "docs" if page is GUIDE else ROOT
    for target in re.findall(r"\]\((?!\w+:)([^()#\s]+)", page):
        assert (base / target).exists(), target


def test_every_module_is_in_the_picture_and_in_the_table():
    picture = CONTRIBUTING.split("```")[1]
    table = re.findall(r"^\| `(\w+)\.py` \|", CONTRIBUTING, flags=re.M)
    assert table == ORDER
    assert all(re.search(rf"\b{name}\b", picture) for name in ORDER)
