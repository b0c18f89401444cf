"""Dark twins of the figures of the pages, which the dark theme shows in their place."""

import re
from pathlib import Path

from hnn_gym.evaluation.plots import save_dark_twin

DOCS = Path(__file__).parents[1]
AS_SEEN = ("images/browser/*", "images/scenes/*", "images/pixels/bump.*", "images/pixels/frames.png")
"""Pictures that show frames or a screen as they are seen: they have no twins."""
_PICTURE = re.compile(r"^!\[([^\]]*)\]\(([^)\s]+)\)$", flags=re.MULTILINE)


def write(folder: Path) -> None:
    """Write ``dark/``: the twin of every figure that a page shows."""
    for page in DOCS.glob("*.md"):
        for _, name in _PICTURE.findall(page.read_text(encoding="utf-8")):
            if has_twin(name):
                out = folder / "dark" / name
                out.parent.mkdir(parents=True, exist_ok=True)
                save_dark_twin(DOCS / name, out)


def has_twin(name: str) -> bool:
    """Whether a picture of the pages has a dark twin."""
    return not any(Path(name).match(pattern) for pattern in AS_SEEN)


def with_twins(text: str) -> str:
    """The text of a page whose pictures are followed by their twins."""

    def both(found: re.Match[str]) -> str:
        words, name = found.groups()
        if not has_twin(name):
            return found[0]
        return f"![{words}]({name}){{.only-light}}![{words}](_generated/dark/{name}){{.only-dark}}"

    return _PICTURE.sub(both, text)
