"""Dark twins of the figures of the pages, which the dark theme shows in their place."""

import re
from pathlib import Path

from hnn_gym.evaluation.plots import save_dark_twin

DOCS = Path(__file__).parents[1]
AS_SEEN = ("images/scenes/*", "images/pixels/bump.*", "images/pixels/frames.png")
"""Pictures that show frames as they are seen: they have no twins."""
_PICTURE = re.compile(r"^!\[([^\]]*)\]\(([^)\s]+)\)$", flags=re.MULTILINE)


def write(folder: Path) -> None:
    """Write ``dark/``: the twin of every figure that a page shows."""
    for page in DOCS.glob("*.md"):
        for _, name in _PICTURE.findall(page.read_text(encoding="utf-8")):
            if twin(name).startswith("_generated"):
                out = folder / "dark" / name
                out.parent.mkdir(parents=True, exist_ok=True)
                save_dark_twin(DOCS / name, out)


def twin(name: str) -> str:
    """The dark twin of a picture of the pages: one beside it, one that is made, or nothing."""
    beside = Path(name).with_stem(f"{Path(name).stem}-dark")
    if (DOCS / beside).exists():
        return str(beside)
    return "" if any(Path(name).match(pattern) for pattern in AS_SEEN) else f"_generated/dark/{name}"


def with_twins(text: str) -> str:
    """The text of a page whose pictures are followed by their twins."""

    def both(found: re.Match[str]) -> str:
        words, name = found.groups()
        dark = twin(name)
        return f"![{words}]({name}){{.only-light}}![{words}]({dark}){{.only-dark}}" if dark else found[0]

    return _PICTURE.sub(both, text)
