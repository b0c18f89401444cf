"""The list of the pages that the start page does not name, so that a new page is on the site by itself."""

from pathlib import Path

DOCS = Path(__file__).parents[1]


def write(folder: Path) -> None:
    """Write ``more.md`` into the folder of generated pages."""
    named = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    found = (path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md"))
    pages = sorted(str(page) for page in found if str(page) not in [*named, "index"] and page.parts[0] != folder.name)
    listed = "\n".join(f"../{page}" for page in pages)
    (folder / "more.md").write_text(
        f"# More pages\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n", encoding="utf-8"
    )
