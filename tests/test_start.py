"""The start: own copies, never overwritten; one sentence where they cannot be laid; the wheel."""

import errno
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from test_package import ROOT

import optlab_live
import optlab_start as start

sys.path.insert(0, str(ROOT / "tools"))
from lessons import NOTEBOOKS, read, slug, source  # noqa: E402

OLD = {"notebooks/a.ipynb": b"old a", "notebooks/b.ipynb": b"old b"}
NEW = {"notebooks/a.ipynb": b"new a", "notebooks/b.ipynb": b"new b"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "a student's höme"


def there(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != start.RECORD
    }


# ---- own copies --------------------------------------------------------------------------------


def test_copies_are_the_lessons_without_what_spoils_them():
    files = start.copies()
    pages = {*start.PAGES} | {f"docs/live/{page}" for page in optlab_live.PAGES}
    assert set(files) == pages | {f"notebooks/{slug(p)}.ipynb" for p in NOTEBOOKS}
    assert all(b"<script type=" not in files[page] for page in pages)  # each page is one file
    for path in NOTEBOOKS:
        copy, lesson = json.loads(files[f"notebooks/{slug(path)}.ipynb"]), read(path)
        nbformat.validate(nbformat.from_dict(copy))
        assert [source(c) for c in copy["cells"]] == [source(c) for c in lesson["cells"]]
        for cell in copy["cells"]:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == [] and cell["execution_count"] is None
                folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
                assert folded == ("solution" in cell["metadata"].get("tags", []))


def test_links_between_copies_lead_somewhere(folder):
    start.lay(folder, start.copies(), "1")
    texts = {folder / page: (folder / page).read_text("utf-8") for page in start.PAGES}
    for path in (folder / "notebooks").rglob("*.ipynb"):
        texts[path] = "\n".join(
            source(c) for c in read(path)["cells"] if c["cell_type"] == "markdown"
        )
    for path, text in texts.items():
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
            assert (path.parent / target).exists(), (path.name, target)


def test_a_newer_lesson_replaces_what_was_not_touched(folder):
    assert start.lay(folder, OLD, "1") == []
    assert start.lay(folder, NEW, "2") == []
    assert there(folder) == NEW


def test_a_newer_lesson_lies_beside_what_was_changed_once(folder):
    start.lay(folder, OLD, "1")
    (folder / "notebooks/a.ipynb").write_bytes(b"my work")
    assert start.lay(folder, OLD, "1") == []  # nothing newer: nothing to lay
    assert start.lay(folder, NEW, "2") == ["notebooks/a (2).ipynb"]
    expected = NEW | {"notebooks/a.ipynb": b"my work", "notebooks/a (2).ipynb": b"new a"}
    assert there(folder) == expected
    (folder / "notebooks/a (2).ipynb").unlink()  # looked at, thrown away
    assert start.lay(folder, NEW, "2") == []
    assert "notebooks/a (2).ipynb" not in there(folder)


def test_a_changed_newer_lesson_is_kept_too(folder):
    start.lay(folder, OLD, "1")
    (folder / "notebooks/a.ipynb").write_bytes(b"my work")
    (folder / "notebooks/a (2).ipynb").write_bytes(b"more work")
    assert start.lay(folder, NEW, "2") == ["notebooks/a (2, 2).ipynb"]
    assert there(folder)["notebooks/a (2).ipynb"] == b"more work"


def test_a_lesson_that_was_deleted_comes_back(folder):
    start.lay(folder, OLD, "1")
    (folder / "notebooks/a.ipynb").unlink()
    start.lay(folder, OLD, "1")
    assert there(folder) == OLD


@pytest.mark.parametrize("record", ["", "{", "[]", '{"files": 3}', '{"version": "1"}'])
def test_without_a_sound_record_nothing_is_overwritten(folder, record):
    start.lay(folder, OLD, "1")
    (folder / start.RECORD).write_text(record)
    (folder / "notebooks/a.ipynb").write_bytes(b"my work")
    assert start.lay(folder, NEW, "2") == ["notebooks/a (2).ipynb", "notebooks/b (2).ipynb"]
    assert there(folder)["notebooks/a.ipynb"] == b"my work"


def test_two_starts_at_once(folder):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: start.lay(folder, OLD, "1"), range(40))) == [[]] * 40
    assert there(folder) == OLD


def test_a_full_disk_leaves_no_half_lesson(folder, monkeypatch, capsys):
    start.lay(folder, OLD, "1")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(start.os, "replace", full)
    monkeypatch.setattr(start, "copies", lambda: NEW)
    assert start.main(["update", "--to", str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert "(No space left on device): make room there, or name another folder" in said.err
    assert there(folder) == OLD


def test_on_a_full_disk_what_is_up_to_date_still_opens(folder, monkeypatch):
    start.lay(folder, OLD, "1")
    monkeypatch.setattr(start, "write", lambda *_: pytest.fail("nothing is to be written"))
    assert start.lay(folder, OLD, "1") == []


def test_a_disk_that_fills_up_midway(folder, monkeypatch):
    """What was laid is whole, what was changed is kept, and the next start lays the rest."""
    start.lay(folder, OLD, "1")
    (folder / "notebooks/b.ipynb").write_bytes(b"my work")
    replace, done = os.replace, []

    def fills_up(source, target):
        if done:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(replace(source, target))

    monkeypatch.setattr(start.os, "replace", fills_up)
    with pytest.raises(OSError, match="No space left"):
        start.lay(folder, NEW, "2")
    assert there(folder) == {"notebooks/a.ipynb": b"new a", "notebooks/b.ipynb": b"my work"}
    monkeypatch.setattr(start.os, "replace", replace)
    assert start.lay(folder, NEW, "2") == ["notebooks/b (2).ipynb"]
    assert there(folder) == NEW | {
        "notebooks/b.ipynb": b"my work",
        "notebooks/b (2).ipynb": b"new b",
    }


def test_two_updates_at_once_keep_what_was_changed(folder):
    start.lay(folder, OLD, "1")
    (folder / "notebooks/a.ipynb").write_bytes(b"my work")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: start.lay(folder, NEW, "2"), range(40)))
    files = there(folder)
    assert files.pop("notebooks/a.ipynb") == b"my work"
    assert files == {"notebooks/b.ipynb": b"new b", "notebooks/a (2).ipynb": b"new a"}


# ---- the command -------------------------------------------------------------------------------


def test_a_read_only_folder(folder, monkeypatch, capsys):
    """Refused by the system itself: root, as whom CI runs, may write anywhere."""

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(start.tempfile, "NamedTemporaryFile", refuse)
    assert start.main(["--to", str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert f"written to {folder} (Permission denied)" in said.err and "--to" in said.err


def test_a_folder_that_cannot_be_written_to(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert start.main(["update", "--to", str(tmp_path / "file" / "lessons")]) == 1
    assert "name another folder with --to" in capsys.readouterr().err


def test_the_command_opens_jupyterlab_on_the_copies(folder, monkeypatch, capsys):
    from jupyterlab.labapp import LabApp

    started = []
    monkeypatch.setattr(LabApp, "launch_instance", started.extend)
    assert start.main(["--to", str(folder), "--no-browser", "--", "--port=9000"]) == 0
    root, url = f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{start.FIRST}"
    assert started == [root, url, "--no-browser", "--port=9000"]
    assert (folder / start.FIRST).exists()
    assert str(folder) in capsys.readouterr().out


def test_without_jupyterlab_one_sentence(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert start.main(["--to", str(folder)]) == 1
    assert capsys.readouterr().err.startswith("JupyterLab cannot be imported")


def test_an_update_names_what_lies_beside(folder, monkeypatch, capsys):
    start.lay(folder, OLD, "1")
    (folder / "notebooks/a.ipynb").write_bytes(b"my work")
    monkeypatch.setattr(start, "copies", lambda: NEW)
    assert start.main(["update", "--to", str(folder)]) == 0
    assert "the newer one lies beside it: notebooks/a (" in capsys.readouterr().out


@pytest.mark.slow
def test_the_check_of_a_machine_that_is_ready(folder, capsys):
    assert start.main(["check", "--to", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said.endswith("This machine is ready.\n") and "✓ a small training ran" in said
    assert not folder.exists()


def test_the_check_says_why_a_training_failed(folder, monkeypatch, capsys):
    monkeypatch.setattr(start, "TRIAL", "raise RuntimeError('this machine needs AVX')")
    assert start.main(["check", "--to", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "✗ a small training failed: RuntimeError: this machine needs AVX\n" in said
    assert said.endswith("mend what has ✗.\n")


# ---- the wheel ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_installed_wheel_needs_no_clone(wheel, tmp_path):
    """Both ways to start, in a folder of nothing, from an environment of nothing but the wheel."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    for number, command in enumerate([["optlab"], ["python", "-m", "optlab"]]):
        command[0] = str(wheel / command[0])
        done = subprocess.run(
            [*command, "update", "--to", f"lessons {number}"], cwd=tmp_path, env=environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert set(there(tmp_path / f"lessons {number}")) == set(start.copies())
    place = "import optlab, optlab_start; print(optlab.__file__, optlab_start.shipped('notebooks'))"
    done = subprocess.run([wheel / "python", "-c", place], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert str(ROOT) not in done.stdout
    lessons = done.stdout.split()[1]
    assert not [path for path in Path(lessons).rglob("*") if "exercises" in path.parts]  # solutions
