"""Sphinx' settings for the site. `tools/build_site.py` assembles the pages; nothing is executed."""

import re
from pathlib import Path

from docutils import nodes
from myst_nb.core.render import NbElementRenderer
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

project = "optlab"
copyright = "2026, the optlab authors"
html_title = "optlab"
smartquotes = False  # claims stand as they were stored
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.napoleon"]
templates_path = ["_templates"]

nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}  # widgets need a kernel; their scripts would come from another host
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
mathjax_path = "mathjax/tex-svg.js"  # version 3.2.2, vendored: no other host is asked
mathjax3_config = {"options": {"enableMenu": False}}

default_role = "py:obj"  # a name in single backquotes, as numpydoc has it
napoleon_google_docstring = False
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "none"
add_module_names = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_domain_indices = False
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# Everyday words, too: linked only where a lesson sets them in italics or bold to introduce them.
EVERYDAY = {
    "batch", "claim", "draw", "fact", "guess", "interval", "run", "setting", "step", "update",
    "weight",
}  # fmt: skip


def glossary_terms():
    """Return the terms of the glossary, longest first: of "batch size", not "batch" is linked."""
    text = (Path(__file__).parent / "glossary.md").read_text(encoding="utf-8")
    inside = re.search(r"```\{glossary\}\n(.*?)```", text, flags=re.S).group(1)
    return sorted(re.findall(r"^(\w.*)$", inside, flags=re.M), key=len, reverse=True)


class LinkTerms(SphinxTransform):
    """In each lesson, link every term of the glossary where the text first uses it."""

    default_priority = 800
    LEFT_ALONE = (nodes.literal, nodes.reference, nodes.raw, nodes.table, addnodes.pending_xref)

    def apply(self):
        """Walk through the paragraphs; titles, code and outputs hold none."""
        if not self.env.docname.startswith("notebooks/"):
            return
        left = {term.lower(): term for term in glossary_terms()}
        terms = "|".join(re.escape(term).replace(r"\ ", r"\s+") for term in left)
        words = re.compile(rf"(?<![\w-])({terms})(?:e?s)?(?![\w-])", flags=re.I)
        for paragraph in list(self.document.findall(nodes.paragraph)):
            for parent in list(paragraph.findall(nodes.TextElement)):
                if not any(self.is_left_alone(node) for node in lineage(parent)):
                    parent[:] = list(self.linked(joined(parent), words, left))

    def is_left_alone(self, node):
        """Return whether a node is no running text of a lesson's body."""
        ends = isinstance(node, nodes.section) and {"exercises", "going further"} & {*node["names"]}
        return ends or isinstance(node, self.LEFT_ALONE)

    def linked(self, children, words, left):
        """Yield nodes with links in their texts; take the terms that got one from those left."""
        for node in children:
            if not isinstance(node, nodes.Text):
                yield node
                continue
            end, plain = 0, not isinstance(node.parent, nodes.emphasis | nodes.strong)
            for found in words.finditer(node):
                term = " ".join(found.group(1).lower().split())
                if term not in left or (plain and term in EVERYDAY):
                    continue
                yield nodes.Text(node[end : found.start()])
                yield addnodes.pending_xref(
                    "", nodes.inline("", found.group(), classes=["xref", "std", "std-term"]),
                    refdomain="std", reftype="term", reftarget=left.pop(term), refexplicit=True,
                    refwarn=True, refdoc=self.env.docname,
                )  # fmt: skip
                end = found.end()
            yield nodes.Text(node[end:])


def joined(parent):
    """Return the children of a node, with texts that a line break had parted in one piece."""
    children = []
    for node in parent:
        if isinstance(node, nodes.Text) and children and isinstance(children[-1], nodes.Text):
            node = nodes.Text(children.pop() + node)
            node.parent = parent
        children.append(node)
    return children


class PlainParameters(SphinxTransform):
    """Take links from names that are mostly a parameter, but also something in the package."""

    default_priority = 800

    def apply(self):
        """Leave the name, take the link."""
        for link in list(self.document.findall(addnodes.pending_xref)):
            if link["reftype"] == "obj" and link["reftarget"] in {"step", "updates", "claims"}:
                link.replace_self(link.children)


def lineage(node):
    """Yield a node and those around it, from the inside."""
    while node:
        yield node
        node = node.parent


def with_stored_alt(render):
    """Let the alternative text that a notebook stores with a figure arrive in the page."""

    def render_image(self, data):
        images = render(self, data)
        alt = data.output_metadata.get(data.mime_type, {}).get("alt")
        for image in images if alt else []:
            image["alt"] = alt
        return images

    return render_image


def setup(app):
    """Add all this to Sphinx."""
    app.add_transform(LinkTerms)
    app.add_transform(PlainParameters)
    NbElementRenderer.render_image = with_stored_alt(NbElementRenderer.render_image)
    return {"parallel_read_safe": True}
