"""The frame of the documentation site: the pages of the tree, and the Python reference.

The sources are those of the whole tree, so that links between README, docs and code are the same
here and where the files are read.
"""

import pathlib
import re
import sys

import pygments.lexers.special

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "python"))

project = "rogue-mem"
author = "the rogue-mem developers"
version = re.search(r'^version = "(.*)"$', (TOP / "Cargo.toml").read_text(), re.MULTILINE).group(1)
release = version

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "docs/tutorials/*.md"]
# Folders without pages, some of them large.
exclude_patterns = ["build", "target", ".git", "cli", "fuzz", "src", "tests", "testkit", "python"]
suppress_warnings = ["myst.xref_not_included"]

myst_heading_anchors = 4

html_theme = "furo"
html_title = "rogue-mem %s" % version
html_show_sourcelink = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {
    "members": True,
    "private-members": True,
    "undoc-members": True,
    "show-inheritance": True,
}
# Their long values say nothing.
autodoc_preserve_defaults = True


def is_skipped(_app, _what, name, _member, is_skipped, _options):
    """Attributes of the package's own, which are no part of its interface."""
    return True if name.startswith("_rg_") or name == "_abc_impl" else is_skipped


def setup(app):
    # Diagrams are shown as their text, which needs no script of another site.
    app.add_lexer("mermaid", pygments.lexers.special.TextLexer)
    app.connect("autodoc-skip-member", is_skipped)
