"""What the tests in a real browser share.

They need Chromium, which `.ci/run` installs where it may; without it they are skipped, loudly.
"""

import os
import shutil

import pytest

# as in the Makefile: no kernel of another environment
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


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
