"""What tests share: a real browser, and an environment with the built wheel.

The browser is Chromium, which `.ci/run` installs where it may; without it its tests are skipped,
loudly.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from handouts import CHROMIUM  # noqa: E402

# as in the Makefile: no kernel of another environment
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")


@pytest.fixture(scope="session")
def browser():
    """Start Chromium, or skip the test and say so."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: the browser tests were NOT run")
    with playwright.sync_playwright() as api:
        chromium = api.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page which may ask one address only, and notes the others."""
    opened = []

    def open_page(address, **options):
        page = browser.new_page(**{"viewport": {"width": 1300, "height": 900}} | options)
        opened.append(page)
        page.outside = []

        def only_here(route):
            if route.request.url.startswith((address, "data:", "blob:")):
                route.continue_()
            else:
                page.outside.append(route.request.url)
                route.abort()

        page.route("**/*", only_here)
        return page

    yield open_page
    for page in opened:
        page.close()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Return the folder of commands of an environment with the built wheel, and no clone.

    What optlab needs is lent by this environment: nothing is downloaded.
    """
    home = tmp_path_factory.mktemp("installed")
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           cwd=ROOT, capture_output=True, text=True, check=True)  # fmt: skip
    for name in filter(None, files.stdout.split("\0")):
        if (ROOT / name).is_file():  # not: deleted and not yet committed
            (home / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, home / "clone" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", home,
                    home / "clone"], check=True)  # fmt: skip
    shutil.rmtree(home / "clone")
    venv.create(home / "venv", with_pip=False)
    commands = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (file,) = home.glob("optlab-*.whl")
    subprocess.run([*pip, "--python", commands / "python", "install", "--no-deps", "--no-index",
                    file], check=True)  # fmt: skip
    (packages,) = (home / "venv").glob("**/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return commands
