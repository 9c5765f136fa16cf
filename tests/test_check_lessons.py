"""What checks the lessons: it sees a changed output, a hang and a hunger for memory, never time."""

import sys
import threading
import time

import nbformat
import pytest
from test_package import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import check_lessons  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def check(tmp_path, capsys, monkeypatch):
    """Return a function that checks a lesson of one cell and returns verdict and words."""
    monkeypatch.setattr(check_lessons, "STACKS", tmp_path / "stacks")
    monkeypatch.setattr(check_lessons, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "nbval_sanitize.cfg").write_text("")

    def check(code, stored=None):
        head = nbformat.v4.new_markdown_cell("The cells run in about 1 seconds")
        cell = nbformat.v4.new_code_cell(code, execution_count=1)
        cell.metadata["tags"] = ["nbval-check-output"] if stored else []
        if stored:
            cell.outputs = [nbformat.v4.new_output("stream", text=stored)]
        path = tmp_path / "lesson.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[head, cell]), path)
        return check_lessons.check(path), capsys.readouterr().out

    return check


def test_what_is_as_stored_holds_however_long_it_takes(check):
    held, words = check("import time; time.sleep(4); print('as stored')", "as stored\n")
    assert held and "stated 1 s alone" in words, words


def test_another_output_fails(check):
    held, words = check("print('other')", "as stored\n")
    assert not held and "as stored" in words


def test_a_kernel_that_hangs_leaves_its_stacks(check, monkeypatch, tmp_path):
    begun = tmp_path / "begun"  # the patience is short from then on, however long a start takes

    def grow_impatient():
        while not begun.exists():
            time.sleep(0.2)
        monkeypatch.setattr(check_lessons, "HUNG", 2)

    threading.Thread(target=grow_impatient, daemon=True).start()
    held, words = check(
        f"open({str(begun)!r}, 'w').close()\n"
        "def wait_for_ever():\n    while True: pass\nwait_for_ever()"
    )
    (file,) = (tmp_path / "stacks").iterdir()
    assert not held and f"HUNG, its threads are in stacks/{file.name}" in words
    assert "wait_for_ever" in file.read_text(encoding="utf-8")


def test_a_kernel_that_takes_too_much_memory_fails(check, monkeypatch):
    monkeypatch.setattr(check_lessons, "MEMORY", 0.3)
    code = "import time; taken = bytearray(400_000_000); time.sleep(2)"
    held, words = check(code)
    assert not held and "MORE THAN 0.3 GB" in words


def test_a_kernel_above_the_aim_is_named(check, monkeypatch):
    monkeypatch.setattr(check_lessons, "AIM", 0.01)
    held, words = check("pass")
    assert held and "above 0.01 GB" in words
