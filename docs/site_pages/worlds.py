"""The shipped worlds, each as a page that runs in the reader's browser."""

from functools import cache
from pathlib import Path

from hnn_gym.envs.shipped import WEIGHTS, resolve_pixel_world
from hnn_gym.page import world_page

MOST, MOST_WITH_FRAMES = 150_000, 1_500_000
"""The largest size of a page in bytes."""


def shipped() -> list[str]:
    """The ids of the shipped worlds."""
    return sorted(path.parent.name for path in WEIGHTS.glob("*/world.json"))


def page_size(name: str) -> int:
    """The size of the page of a world in bytes.

    Raises:
        RuntimeError: it is too large.
    """
    size, most = len(_page(name)), MOST if resolve_pixel_world(name) is None else MOST_WITH_FRAMES
    if size > most:
        raise RuntimeError(f"The page of {name} has {size} bytes, and {most} are allowed.")
    return size


@cache
def _page(name: str) -> bytes:
    return world_page(name).encode()


def write(folder: Path) -> None:
    """Write ``worlds/<id>.html``, which Sphinx copies next to the start page."""
    out = folder / "worlds" / "worlds"
    out.mkdir(parents=True)
    for name in shipped():
        page_size(name)
        (out / f"{name}.html").write_bytes(_page(name))
