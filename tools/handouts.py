"""Print the lessons, with their stored outputs, as PDF: `make handouts`.

Usage: handouts.py [FOLDER]       (default: build/handouts)

The pages are the site's (build/site, which `make handouts` builds first), printed by Chromium
without what leads to other pages.
"""

import shutil
import sys
from pathlib import Path

from lessons import NOTEBOOKS, ROOT, slug

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
WITHOUT = """
.mobile-header, .announcement, .sidebar-drawer, .toc-drawer, .content-icon-container,
.related-pages, .back-to-top, footer, .headerlink, .skip-to-content,
.copybtn { display: none !important }
pre { white-space: pre-wrap !important }
.page, .main, .content { display: block !important; width: auto !important; margin: 0 !important }
img, pre, table, .optlab-claim { break-inside: avoid; max-width: 100% !important }
h1, h2, h3 { break-after: avoid }
"""


def print_lesson(page, site, name, folder):
    """Print one lesson of the built site; return its PDF, folder/NAME.pdf.

    Parameters
    ----------
    page : playwright.sync_api.Page
    site, folder : pathlib.Path
    name : str
        As in "deeper/02_noise".
    """
    page.goto((site / "notebooks" / f"{name}.html").resolve().as_uri())
    page.add_style_tag(content=WITHOUT)
    page.evaluate("document.querySelectorAll('details').forEach(x => x.open = true)")
    # formulas are set when they are seen: wait until all are
    page.evaluate("async () => window.MathJax?.startup && await MathJax.startup.promise")
    file = folder / f"{name}.pdf"
    file.parent.mkdir(parents=True, exist_ok=True)
    margin = dict.fromkeys(("top", "bottom", "left", "right"), "15mm")
    file.write_bytes(page.pdf(format="A4", print_background=True, margin=margin))
    return file


def main(folder):
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        sys.exit("Chromium prints the handouts, and none was found: install it and try again.")
    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        for path in NOTEBOOKS:
            print(print_lesson(page, ROOT / "build" / "site", slug(path), folder), flush=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "handouts")
