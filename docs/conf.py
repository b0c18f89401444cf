"""The site: Sphinx reads the pages of this folder and those that :mod:`site_pages` makes of the package.

sphinx-build -W docs build/site
"""

import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]  # the package of this working tree, installed or not

from site_pages import environments, films, more, pictures, reference, worlds  # noqa: E402

import hnn_gym  # noqa: E402

project = "hnn_gym"
author = "hnn_gym contributors"
copyright = author
release = version = hnn_gym.__version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_generated/README.md"]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 4
python_use_unqualified_type_names = True
# A block of Python that a page shows may be a part of a program, and one without a language is not code.
highlight_language = "text"

linkcheck_timeout = 20
linkcheck_retries = 2

html_theme = "furo"
html_title = "hnn_gym"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_generated/worlds"]
html_show_sphinx = False
html_copy_source = False

GENERATED = DOCS / "_generated"
shutil.rmtree(GENERATED, ignore_errors=True)
for make in (reference.write, films.write, environments.write, worlds.write, pictures.write, more.write):
    make(GENERATED)


def _loads_nothing_from_elsewhere(app, exception):
    """Refuse a site that would load a script, a style, a font or a picture from another one."""
    if exception is not None:
        return
    loaded = re.compile(
        r"""<(?:script|img|iframe|source)[^>]+src=["']?(?:https?:)?//|<link[^>]+href=["']?(?:https?:)?//"""
    )
    for page in Path(app.outdir).rglob("*.html"):
        found = loaded.search(page.read_text(encoding="utf-8"))
        if found:
            raise RuntimeError(f"{page.name} loads something from another site: {found[0]}")


def _without_links_to_folders(app, docname, source):
    """Keep only the text of a link to a folder, or to a file outside this one: on the site there is nothing there."""

    def kept(found):
        target = (DOCS / docname).parent / found[2]
        outside = not target.resolve().is_relative_to(DOCS)
        return found[1] if target.is_dir() or (target.exists() and outside) else found[0]

    source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)", kept, source[0])


def _with_dark_pictures(app, docname, source):
    """Show every figure of a page on white in the light theme, and its twin in the dark one."""
    source[0] = pictures.with_twins(source[0])


def setup(app):
    """Add what happens to each page before the build, and to the site after it."""
    app.connect("source-read", _without_links_to_folders)
    app.connect("source-read", _with_dark_pictures)
    app.connect("build-finished", _loads_nothing_from_elsewhere)
