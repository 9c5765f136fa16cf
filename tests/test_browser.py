"""JupyterLab in a real browser: what a student sees and moves."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120_000  # milliseconds, for a start of TensorFlow on a busy machine


@pytest.fixture(scope="module")
def lab(browser, wheel, tmp_path_factory):
    """Start JupyterLab as a student does who has the wheel; return its address and folder."""
    home = tmp_path_factory.mktemp("a student's höme")  # blanks and letters beyond ASCII
    folder = home / "optlab-lessons"
    write(folder / "playground.ipynb", "import optlab as ol\nol.DescentPlayground(steps=40)")
    write(folder / "training.ipynb",
          "import optlab as ol\nol.TrainingPlayground(epochs=8, seeds=5)")  # fmt: skip
    for name in ("trusted", "untrusted"):
        store_animation(folder / f"{name}.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # the kernel's environment: quiet, and with nothing of this machine's own Jupyter settings
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith(("JUPYTER", "PYTEST", "PYTHON"))}  # fmt: skip
    environment |= {f"JUPYTER_{what}_DIR": str(home / what.lower())
                    for what in ("CONFIG", "DATA", "RUNTIME")}  # fmt: skip
    lent = Path(sys.prefix, "share", "jupyter")  # JupyterLab's own pages, beside the lent packages
    environment |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_PATH": str(lent),
                    "JUPYTERLAB_DIR": str(lent / "lab")}  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "jupyter", "trust", str(folder / "trusted.ipynb")],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    log = (home / "log").open("w")
    server = subprocess.Popen(
        [wheel / "optlab", "--no-browser", "--", f"--port={port}", "--ServerApp.port_retries=0",
         "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1", "--allow-root",
         "--LabApp.expose_app_in_browser=True"],
        cwd=home, env=environment, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (home / "log").read_text()
                time.sleep(0.5)
        yield address, folder
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:  # a busy machine: its kernels may still be starting
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(30)


def write(path, source):
    path.parent.mkdir(exist_ok=True)
    notebook = new_notebook(cells=[new_code_cell(source)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)


def store_animation(path):
    """Write a notebook that was never run here, with the animation stored beside lesson 01."""
    lesson = nbformat.read(next((ROOT / "notebooks" / "deeper").glob("01_*.ipynb")), as_version=4)
    stored = [
        output
        for cell in lesson.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "<canvas" in output.get("data", {}).get("text/html", "")
        or 'createElement("canvas")' in output.get("data", {}).get("text/html", "")
    ]
    cell = new_code_cell("'stored'", outputs=stored[:1], execution_count=1)
    notebook = new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)


@pytest.fixture
def page(open_page, lab):
    """Return a page that notes requests to other hosts and lets none through."""
    page = open_page(lab[0])
    page.set_default_timeout(PATIENCE)
    return page


def open_notebook(page, lab, name):
    page.goto(f"{lab[0]}/lab/tree/{name}.ipynb?reset")  # or the notebooks of before come back
    page.wait_for_function(
        "name => { const panel = window.jupyterapp?.shell?.currentWidget;"
        " return panel?.context?.path === name && panel.context.isReady"
        " && panel.content.widgets.length > 0; }",
        arg=f"{name}.ipynb",
    )


def run_all(page):
    """Run all cells, from an awake kernel; return the cells' models."""
    page.evaluate("""async () => {
        const panel = window.jupyterapp.shell.currentWidget;
        await panel.sessionContext.ready;
        await panel.sessionContext.session.kernel.info;
        await window.jupyterapp.commands.execute('notebook:run-all-cells');
    }""")
    cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON()")
    return [cell for cell in cells["cells"] if cell["cell_type"] == "code"]


def test_a_student_runs_a_lesson_to_its_end(page, lab):
    """From the wheel, in a folder of nothing; "optlab" opens on the first lesson."""
    page.goto(f"{lab[0]}/")
    assert page.url.rstrip("?").endswith("/lab/tree/notebooks/00_start_here.ipynb")
    open_notebook(page, lab, "notebooks/00_start_here")
    cells = run_all(page)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    text = json.dumps(outputs)
    assert text.count("image/png") >= 2
    assert "SUPPORTED:" in text and "NOT AS EXPECTED" not in text


def test_the_playground_follows_the_keyboard(page, lab):
    open_notebook(page, lab, "playground")
    run_all(page)
    picture = page.locator("img[alt*='learning rate']")
    picture.wait_for()
    words, pixels = picture.get_attribute("alt"), picture.get_attribute("src")
    assert "learning rate 0.03" in words
    slider = page.get_by_role("slider").first
    slider.focus()
    slider.press("ArrowRight")
    page.locator("img[alt*='learning rate 0.05']").wait_for()
    assert picture.get_attribute("src") != pixels
    moved = picture.get_attribute("src")
    page.get_by_label("optimizer").select_option("Adam")  # the menu, too
    page.locator("img[alt^='Adam, learning rate 0.05']").wait_for()
    assert picture.get_attribute("src") != moved
    assert page.get_by_text("after 40 steps the path").is_visible()


def test_the_training_playground_judges_a_move(page, lab):
    open_notebook(page, lab, "training")
    run_all(page)
    page.get_by_text("Move a control").wait_for()
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(8):  # from 0.01 down to 0.0001
        slider.press("ArrowLeft")
    page.get_by_text("ends with a validation accuracy at least").wait_for()
    assert page.locator("img[alt^='Learning curves']").count() == 2
    assert page.outside == []


def test_the_animation_plays_in_a_saved_notebook(page, lab):
    open_notebook(page, lab, "trusted")
    page.locator("canvas[aria-label^='Paths racing']").wait_for()
    step = page.get_by_text("step ", exact=False).last
    first = step.text_content()
    page.wait_for_function(
        "([first]) => [...document.querySelectorAll('span')].some("
        "s => /^step \\d+ of \\d+$/.test(s.textContent) && s.textContent !== first)",
        arg=[first],
    )
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    page.get_by_role("slider", name="step").press("Home")
    page.get_by_text("step 0 of").wait_for()
    # nothing ran: what plays is what was stored
    session = "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.executionCount"
    assert page.evaluate(session) == 1
    assert page.outside == []


def test_the_animation_is_a_still_where_scripts_are_not_trusted(page, lab):
    open_notebook(page, lab, "untrusted")
    page.locator("img[alt^='Paths racing']").wait_for()
    assert page.locator("canvas[aria-label^='Paths racing']").count() == 0
