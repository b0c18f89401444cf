"""Write a world as one HTML file: ``python -m hnn_gym.page HNNPendulum-v0 --out world.html``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from hnn_gym.command import run
from hnn_gym.errors import check_fields
from hnn_gym.page.write import write_page


@dataclass(frozen=True)
class PageSettings:
    """Write a world as one HTML file that runs in any browser by a double click, without a server or a network."""

    world: Annotated[str, tyro.conf.Positional]
    """Id of a shipped world, such as HNNPendulum-v0, or the folder of a checkpoint."""
    out: Path = Path("world.html")
    """The file to write."""
    overwrite: bool = False
    """Replace ``out`` if it exists."""

    def __post_init__(self) -> None:
        """Check the types."""
        check_fields(self)


def _main(settings: PageSettings) -> None:
    write_page(settings.world, settings.out, overwrite=settings.overwrite)
    print(f"Wrote {settings.out} ({settings.out.stat().st_size / 1000:.0f} kB): open it in a browser.")


if __name__ == "__main__":
    run(_main, PageSettings, prog="python -m hnn_gym.page")
