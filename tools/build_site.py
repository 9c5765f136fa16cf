"""Assemble the pages of the site and build them with Sphinx: `make site`.

Usage: build_site.py [FOLDER]       (default: build/site)

The lessons come with their stored outputs; nothing is executed. What the repository holds keeps
its place, so that its links work; the table of claims and the pages of the package are written
here. docs/conf.py holds Sphinx' settings and links the glossary's terms; launch.py makes the links
that start a lesson elsewhere.

(Not called site.py: Python itself has a module of that name.)
"""

import html
import inspect
import os
import re
import shutil
import sys
from pathlib import Path

import launch
from lessons import NOTEBOOKS, ROOT, read, slug, source, stored_claims

sys.path.insert(0, str(ROOT))
import optlab_live  # noqa: E402

RESULTS = [
    "docs/coverage.md",
    "replication/README.md",
    "full/README.md",
    "benchmarks/README.md",
]
LIVE = ROOT / "docs" / "live"
PAGES = [
    *RESULTS,
    "docs/glossary.md",
    "docs/instructors.md",
    "docs/jupyterhub.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
CONTENTS = """
```{toctree}
:hidden:
:glob:
:caption: Lessons

notebooks/*
```

```{toctree}
:hidden:
:glob:
:caption: Deeper

notebooks/deeper/*
```

```{toctree}
:hidden:
:caption: What holds

claims
PAGES_OF_RESULTS
```

```{toctree}
:hidden:
:caption: To look up

PAGES_TO_LOOK_UP
api/index
```
"""

TRAINS = """
<iframe class="trains" src="docs/live/index.html" title="Train a network from twenty seeds">
</iframe>

<p><a href="docs/live/index.html">The whole page</a> has more to set;
<a href="docs/live/surface.html">another</a> shows the update rules on a surface.</p>

"""


def assemble(folder):
    """Write all pages into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = [page for page in PAGES if (ROOT / page).exists()]
    known = {ROOT / page for page in [*pages, *NOTEBOOKS]}
    for page in pages:
        write(folder / page, relink((ROOT / page).read_text(encoding="utf-8"), page, folder, known))
    results = [p.removesuffix(".md") for p in pages if p in RESULTS]
    others = [p.removesuffix(".md") for p in pages if p not in RESULTS]
    contents = CONTENTS.replace("PAGES_OF_RESULTS", "\n".join(results))
    contents = contents.replace("PAGES_TO_LOOK_UP", "\n".join(others))
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    title, _, rest = relink(front, "README.md", folder, known).partition("\n")
    write(folder / "index.md", f"{title}\n{TRAINS}{rest}{contents}")
    for path in NOTEBOOKS:
        write(folder / "notebooks" / f"{slug(path)}.ipynb", lesson(path, folder, known))
    write(folder / "claims.md", claims_page())
    for module, text in api_pages().items():
        write(folder / "api" / f"{module}.md", text)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def relink(text, page, folder, known):
    """Bring along the files that a page links to; point at the front page, unlink folders."""

    def mend(found):
        mark, label, target, anchor = found.groups()
        path = Path(os.path.normpath((ROOT / page).parent / target))
        if path.parent == LIVE:  # a page that is built apart
            return f'<a href="{target}{anchor or ""}">{label}</a>'
        if path == ROOT / "README.md":
            return f"[{label}]({os.path.relpath('index.md', Path(page).parent)}{anchor})"
        if path.is_dir():
            return label
        if path.is_file() and path not in known and path.is_relative_to(ROOT):
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        return found.group()

    return re.sub(r"(!?)\[([^][]*)\]\((?!\w+:)([^()#\s]+)(#[^()\s]*)?\)", mend, text)


def lesson(path, folder, known):
    """Return a lesson as the site shows it: numbered, claims to link to, solutions folded."""
    import nbformat

    notebook, claims = nbformat.read(path, as_version=4), 0
    notebook.metadata.pop("widgets", None)
    places = labelled()
    title = notebook.cells[0]
    head, _, rest = title.source.replace("# ", f"# {path.name[:2]} ", 1).partition("\n")
    title.source = f"{head}\n{launch.links(slug(path))}{rest}"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = relink(cell.source, f"notebooks/{slug(path)}.ipynb", folder, known)
            cell.source = link_claims(text, places, path)
            continue
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata.tags.append("hide-cell")
            prompts = {"code_prompt_show": "Show a solution", "code_prompt_hide": "Hide it"}
            cell.metadata["mystnb"] = prompts
        for output in cell.outputs:
            if "optlab" in output.get("metadata", {}):
                claims += 1
                output.data["text/html"] = claim_box(output, claims)
    return nbformat.writes(notebook)


def labelled():
    """Return where the claims stand that have a label: label -> (lesson, number)."""
    return {
        claim["label"]: (path, number)
        for path in NOTEBOOKS
        for number, claim in enumerate(stored_claims(read(path)), 1)
        if "label" in claim
    }


def link_claims(text, places, path):
    """Link what a lesson says in brackets of claims, such as (claim 5.3), to where they stand."""

    def link(found):
        if found.group() not in places:
            return found.group()
        there, number = places[found.group()]
        page = "" if there == path else os.path.relpath(there.with_suffix(".html"), path.parent)
        return f'<a href="{page}#claim-{number}">{found.group()}</a>'

    return re.sub(
        r"\(claims? [^()]*\)",
        lambda named: re.sub(r"[a-z]?\d+\.\d+[a-z]?", link, named.group()),
        text,
    )


def claim_box(output, number):
    """Return a stored claim as HTML, with an id to link to: its card, or a box of its words."""
    verdict = output["metadata"]["optlab"]["verdict"]
    stored = "".join(output["data"].get("text/html", ""))
    if 'class="optlab-claim"' in stored:
        return f'<div class="card {verdict}" id="claim-{number}">{stored}</div>'
    sentence, _, evidence = output["data"]["text/plain"].partition("\n")
    word, _, sentence = sentence.partition(": ")
    rest = f"<p>{html.escape(evidence)}</p>" if evidence else ""
    return (
        f'<div class="claim {verdict}" id="claim-{number}">'
        f"<p><strong>{html.escape(word)}</strong>: {html.escape(sentence)}</p>{rest}</div>"
    )


def claims_page():
    """Return the table of all claims: label, verdict, sentence, evidence, a link to each."""
    tables, verdicts = [], []
    for path in NOTEBOOKS:
        notebook = read(path)
        outputs = [o for c in notebook["cells"] for o in c.get("outputs", [])]
        outputs = [o for o in outputs if "optlab" in o.get("metadata", {})]
        if not outputs:
            continue
        title = source(notebook["cells"][0]).splitlines()[0].removeprefix("# ")
        tables += [f"## [{path.name[:2]} {title}](notebooks/{slug(path)}.ipynb)", ""]
        tables += ['<table class="claims docutils">', "<thead><tr><th>claim</th>",
                   "<th>verdict</th><th>sentence and evidence</th></tr></thead>"]  # fmt: skip
        for number, output in enumerate(outputs, 1):
            claim = output["metadata"]["optlab"]
            verdicts.append(claim["verdict"])
            evidence = "".join(output["data"]["text/plain"]).partition("\nEvidence: ")[2]
            place = f"notebooks/{slug(path)}.html#claim-{number}"
            tables.append(
                f"<tr><td>{claim.get('label', '–')}</td> "
                f'<td><span class="{claim["verdict"]}">{claim["verdict"]}</span></td> '
                f'<td><a href="{place}">{html.escape(claim["sentence"])}</a> '
                f"<small>{html.escape(evidence)}</small></td></tr>"
            )
        tables += ["</table>", ""]
    names = ("supported", "contradicted", "undecided", "true", "false")
    counted = [f"{verdicts.count(v)} {v}" for v in names if v in verdicts]
    head = f"""# Claims

Every empirical sentence of the lessons is a claim that is computed again whenever the lesson runs.
Here are all {len(verdicts)}, with the evidence that the lessons store: {", ".join(counted)}.
*True* and *false* are verdicts on facts, which know no chance and need no evidence. A contradicted
claim is no error: it is a well-known statement, or a natural guess, that did not survive.
[How often the intervals are right](docs/coverage.md) tests the method where the truth is known;
[Do the verdicts hold?](replication/README.md) tries other seeds, points and arithmetic.
"""
    return head + "\n" + "\n".join(tables)


def api_pages():
    """Return a page for every module of the public face, and one that lists them."""
    import optlab

    groups = {}
    for name in optlab.__all__:
        thing = getattr(optlab, name)
        module = thing if inspect.ismodule(thing) else sys.modules[thing.__module__]
        groups.setdefault(module.__name__.removeprefix("optlab."), []).append((name, thing))
    pages, listed = {}, []
    for module, things in sorted(groups.items()):
        lead = inspect.getdoc(sys.modules[f"optlab.{module}"])
        is_module = inspect.ismodule(things[0][1])
        text = [f"# {module}", ""] if is_module else [f"# {module}", "", rst(lead), ""]
        listed += [f"## [{module}]({module}.md)", "", lead.splitlines()[0], ""]
        for name, thing in things:
            if inspect.ismodule(thing):
                text.append(rst(f".. automodule:: optlab.{name}\n   :members:"))
                continue
            kind = "class" if inspect.isclass(thing) else "function"
            text.append(rst(f".. currentmodule:: optlab\n\n.. auto{kind}:: {name}"))
            listed.append(f"- {{py:obj}}`optlab.{name}`: {inspect.getdoc(thing).splitlines()[0]}")
        pages[module] = "\n".join([*text, ""])
        listed.append("")
    names = "\n".join(sorted(groups))
    contents = f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    head = "# The package\n\nWhat `import optlab as ol` offers, by module.\n\n"
    return pages | {"index": head + contents + "\n" + "\n".join(listed)}


def rst(text):
    return f"```{{eval-rst}}\n{text}\n```\n"


def build(folder):
    """Build the site; return 0 if that went without a warning."""
    from sphinx.cmd.build import main

    pages = folder.with_name(f"{folder.name}-pages")
    assemble(pages)
    shutil.rmtree(folder, ignore_errors=True)
    kept = folder.with_name(f"{folder.name}-cache")
    optlab_live.build(folder / "docs" / "live", lessons=True)
    launch.write_colab_copies(folder / "colab")
    return main(["-W", "--keep-going", "-q", "-E", "-c", str(ROOT / "docs"), "-d", str(kept),
                 str(pages), str(folder)])  # fmt: skip


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT / "build" / "site"
    failed = build(target)
    if not failed:
        print(f"The site is in {target}: open its index.html in a browser.")
    sys.exit(failed)
