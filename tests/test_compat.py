"""What `make compat` installs: every lower bound itself, on the oldest Python that works."""

import subprocess
import sys
import tomllib
from types import SimpleNamespace

import pytest
from test_package import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import compat  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_lower_bound_is_installed():
    needed = PROJECT["dependencies"]
    asked = compat.requirements("lowest")
    assert asked[: len(needed)] == [need.replace(">=", "==") for need in needed]
    assert all("==" in need for need in asked[: len(needed)])
    assert [need.partition(">=")[0] for need in asked[len(needed) :]] == sorted(
        compat.TESTERS,
        key=[n.partition(">=")[0] for n in PROJECT["optional-dependencies"]["test"]].index,
    )


def test_the_newest_have_no_upper_bound():
    assert compat.requirements("newest")[: len(PROJECT["dependencies"])] == PROJECT["dependencies"]
    assert not [need for need in PROJECT["dependencies"] if set("<!,~") & set(need)]


def test_what_is_left_out_is_there():
    assert all((ROOT / "tests" / f"test_{name}.py").exists() for name in compat.LEFT_OUT)


@pytest.mark.parametrize(
    ("there", "broken", "found"),
    [
        (["3.11", "3.12", "3.13"], [], ["3.11", "3.13"]),
        (["3.11", "3.12", "3.13"], ["3.13"], ["3.11", "3.12"]),  # a shim without its Python
        ([], [], [sys.executable, sys.executable]),
    ],
)
def test_the_oldest_and_the_newest_python(monkeypatch, there, broken, found):
    which = {f"python{version}": version for version in there}
    monkeypatch.setattr(compat.shutil, "which", which.get)
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: SimpleNamespace(returncode=command[0] in broken)
    )
    pythons = compat.interpreters()
    assert [pythons[0], pythons[-1]] == found
