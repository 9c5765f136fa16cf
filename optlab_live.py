"""Make the pages that train in the browser, each one file that also works from a disk.

docs/live holds their parts. From a disk, browsers load neither modules nor workers, so a page
carries its style, its modules and the points in itself: the modules that train in a first script,
of which a worker is made, the others in a second.

`python -m optlab_live FOLDER` writes them; the site and the students' copies have them as well.
Outside the package, as `optlab_start` is, since it needs nothing but Python.
"""

import re
import sys
from pathlib import Path

PAGES = ("index.html", "surface.html")
SOURCES = Path(__file__).resolve().parent / "docs" / "live"
IMPORT = re.compile(r'^import \{ ([^}]*) \} from "\./(\w+)\.js";$', re.M)
SCRIPT = re.compile(r'<script type="module" src="(\w+)\.js"></script>')


def built(page, sources=SOURCES, lessons=False):
    """Return a page as one file.

    Parameters
    ----------
    page : str
        One of `PAGES`.
    sources : pathlib.Path
        The folder of its parts.
    lessons : bool, default False
        Whether the lessons lie as pages where it can link them, in ../../notebooks.

    Returns
    -------
    str
    """
    text = (sources / page).read_text(encoding="utf-8")
    style = (sources / "live.css").read_text(encoding="utf-8")
    text = text.replace('<link rel="stylesheet" href="live.css">', f"<style>\n{style}</style>")
    if lessons:
        text = text.replace("<html ", '<html data-lessons="yes" ', 1)
    last = SCRIPT.search(text)[1]
    all_of_it = needed(last, sources)
    engine = needed("server", sources) if "start" in all_of_it else []
    first, second = (
        "".join(module(name, sources) for name in names)
        for names in (engine, [name for name in all_of_it if name not in engine])
    )
    scripts = (
        f'<script id="engine">\nconst modules = {{}};\n{first}</script>\n'
        f"<script>\n{second}</script>"
    )
    return SCRIPT.sub(lambda _: scripts, text)


def needed(name, sources):
    """Return the names of a module and of all that it imports, what is imported first."""
    found = []
    for _, imported in IMPORT.findall((sources / f"{name}.js").read_text(encoding="utf-8")):
        found += [other for other in needed(imported, sources) if other not in found]
    return [*found, name]


def module(name, sources):
    """Return a module as a function of its own, whose exports are put into `modules`."""
    text = (sources / f"{name}.js").read_text(encoding="utf-8")
    exports = re.findall(r"^export (?:function|const|class) (\w+)", text, re.M)
    text = re.sub(r"^export ", "", IMPORT.sub(r"const { \1 } = modules.\2;", text), flags=re.M)
    return f"modules.{name} = (() => {{\n{text}\nreturn {{ {', '.join(exports)} }};\n}})();\n"


def build(folder, lessons=False):
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        (folder / page).write_text(built(page, lessons=lessons), encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
