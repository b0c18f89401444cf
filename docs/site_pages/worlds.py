"""The shipped worlds, each as a page that runs in the reader's browser."""

from pathlib import Path

from hnn_gym.envs.shipped import WEIGHTS
from hnn_gym.page import write_page


def shipped() -> list[str]:
    """The ids of the shipped worlds."""
    return sorted(path.parent.name for path in WEIGHTS.glob("*/world.json"))


def write(folder: Path) -> None:
    """Write ``worlds/<id>.html``, which Sphinx copies next to the start page."""
    for name in shipped():
        write_page(name, folder / "worlds" / "worlds" / f"{name}.html")
