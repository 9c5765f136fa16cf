"""Colab, Binder, Codespaces: what can be tried without them."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from types import SimpleNamespace

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from test_package import ROOT

import optlab_start

sys.path.insert(0, str(ROOT / "tools"))
import build_site  # noqa: E402
import launch  # noqa: E402
from lessons import NOTEBOOKS, slug  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


# ---- the links of the site ---------------------------------------------------------------------


def test_without_a_repository_there_are_no_links(monkeypatch, tmp_path):
    monkeypatch.delenv("OPTLAB_REPOSITORY", raising=False)
    assert launch.links("00_start_here") == ""
    launch.write_colab_copies(tmp_path / "colab")
    assert not (tmp_path / "colab").exists()


def test_links_lead_to_copies(monkeypatch, tmp_path):
    """What Colab opens, the site brings; what Binder opens, `optlab update` lays there."""
    monkeypatch.setenv("OPTLAB_REPOSITORY", "someone/lessons")
    launch.write_colab_copies(tmp_path / "colab")
    copies = optlab_start.copies()
    for path in NOTEBOOKS:
        colab, binder, codespaces = re.findall(r"\]\((.*?)\)", launch.links(slug(path)))
        assert colab.startswith("https://colab.research.google.com/github/someone/lessons/blob/")
        assert (tmp_path / colab.partition("/blob/gh-pages/")[2]).is_file()
        assert binder.startswith(
            "https://mybinder.org/v2/gh/someone/lessons/HEAD?urlpath=lab/tree/"
        )
        assert binder.partition(f"{optlab_start.FOLDER}/")[2] in copies
        assert codespaces == "https://codespaces.new/someone/lessons"


def test_a_lesson_of_the_site_begins_with_its_links(monkeypatch, tmp_path):
    heads = {}
    for repository in ("", "someone/lessons"):
        monkeypatch.setenv("OPTLAB_REPOSITORY", repository)
        page = json.loads(build_site.lesson(NOTEBOOKS[0], tmp_path, set()))
        heads[repository] = "".join(page["cells"][0]["source"]).splitlines()
    line = launch.links(slug(NOTEBOOKS[0])).strip()
    plain = heads[""]
    assert plain[0] == "# 00 Start here: one run is not evidence" and "https" not in plain[2]
    assert heads["someone/lessons"] == [plain[0], "", line, *plain[1:]]


# ---- the first cell on Colab -------------------------------------------------------------------


@pytest.fixture
def first_cell(monkeypatch, capsys):
    """Return a function that runs the cell among packages that pip changes as it is told."""

    def run(there, then):
        """Run it where `there` is installed and `then` after pip; return pip's calls, the words."""
        installed, calls = dict(there), []

        def pip(command, check):
            assert command[:4] == [sys.executable, "-m", "pip", "install"] and check
            calls.append([word for word in command[4:] if word != "--quiet"])
            installed.update(then)

        listed = lambda: [SimpleNamespace(name=n, version=v) for n, v in installed.items()]  # noqa: E731
        monkeypatch.setattr(subprocess, "run", pip)
        monkeypatch.setattr(metadata, "distributions", listed)
        needs = [*PROJECT["dependencies"], 'ruff>=0.12; extra == "test"']
        monkeypatch.setattr(metadata, "requires", lambda name: needs)
        cells = json.loads(launch.for_colab(b'{"cells": []}', "git+https://example.org/lessons"))
        exec("".join(cells["cells"][0]["source"]), {})
        return calls, capsys.readouterr().out

    return run


def test_the_first_cell_installs_what_is_missing(first_cell):
    calls, said = first_cell({"numpy": "2.0.2"}, {"numpy": "2.0.2", "optlab": "0.1.0"})
    assert calls[0] == ["--no-deps", "git+https://example.org/lessons"]
    assert set(calls[1]) == {n for n in PROJECT["dependencies"] if not n.startswith("jupyterlab")}
    assert said == "All is here: go on.\n"


def test_the_first_cell_says_when_a_restart_is_needed(first_cell):
    assert "numpy" in sys.modules
    _, said = first_cell({"numpy": "1.26.4", "never-imported": "1"},
                         {"numpy": "2.0.2", "never-imported": "2", "optlab": "0.1.0"})  # fmt: skip
    assert said.startswith("Now restart the session") and said.endswith("below: numpy changed.\n")


def test_the_first_cell_installs_optlab_once(first_cell):
    calls, _ = first_cell({"optlab": "0.1.0"}, {})
    assert len(calls) == 1 and "--no-deps" not in calls[0]


def test_copies_for_colab_are_notebooks():
    copy = optlab_start.copies()["notebooks/00_start_here.ipynb"]
    notebook = json.loads(launch.for_colab(copy, "somewhere"))
    nbformat.validate(nbformat.from_dict(notebook))
    assert notebook["cells"][1:] == json.loads(copy)["cells"]


# ---- conda, Binder, Codespaces -----------------------------------------------------------------


def test_pins_are_within_what_is_required():
    pins = dict(re.findall(r"^([a-z0-9_.-]+)==([^\s;]+)", text("constraints.txt"), flags=re.M))
    for need in map(Requirement, PROJECT["dependencies"]):
        assert need.specifier.contains(pins[need.name]), need


def test_conda_and_binder_install_what_make_does():
    """Each has one Python that optlab runs on, and the same two words for pip."""
    yaml = pytest.importorskip("yaml")
    conda = yaml.safe_load(text("environment.yml"))["dependencies"]
    python, pip, words = conda
    assert pip == "pip" and words == {"pip": ["-c constraints.txt", "-e ."]}
    binder = [x for x in text(".binder/requirements.txt").splitlines() if not x.startswith("#")]
    assert binder == ["-c ../constraints.txt", "-e ."]  # pip looks for -c beside the file
    for version in (python.removeprefix("python="), text(".binder/runtime.txt")[7:].strip()):
        assert SpecifierSet(PROJECT["requires-python"]).contains(f"{version}.0"), version


def test_binder_and_codespaces_lay_the_copies():
    script = ROOT / ".binder" / "postBuild"
    assert script.stat().st_mode & 0o111 and "\noptlab update\n" in script.read_text()
    container = json.loads(text(".devcontainer/devcontainer.json"))
    assert container["postCreateCommand"] == "make setup && .venv/bin/optlab update"
    folder, _, name = container["customizations"]["codespaces"]["openFiles"][0].partition("/")
    assert folder == optlab_start.FOLDER and name == optlab_start.FIRST
    assert container["image"].rpartition(":")[2] in ("3.11", "3.12", "3.13")
