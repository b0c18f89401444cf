"""Put programs, data, style and code together into one HTML file."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from hnn_gym.envs.build import WorldSource, build_simulator
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import ExistingPathError, InputError, checked_arguments
from hnn_gym.files.single_file import check_is_for_a_file, write_file
from hnn_gym.files.storage import resolved_path
from hnn_gym.page.description import description
from hnn_gym.page.frames import frame_data, frame_programs
from hnn_gym.page.programs import ends, picture_program, world_programs
from hnn_gym.trace import javascript_code

SCRIPTS = ("simulation.js", "pictures.js", "frames.js", "charts.js", "app.js")
"""The code of the page, in the order in which it is loaded."""


@checked_arguments
def write_page(world_model: WorldSource, out: Path, *, name: str | None = None, overwrite: bool = False) -> None:
    """Write a world as one HTML file.

    Example:
        >>> from pathlib import Path
        >>> from hnn_gym.page import write_page
        >>> write_page("HNNPendulum-v0", Path("world.html"))

    Args:
        world_model: a world, the id of one, or the path of a checkpoint.
        out: the file.
        name: how the page calls the world; None takes its id or the name of its folder.
        overwrite: replace the file if it exists.

    Raises:
        MissingPathError: there is no such checkpoint.
        ExistingPathError: ``out`` exists and ``overwrite`` is False.
        StorageError: the operating system refuses to write the file.
        InputError: ``world_model`` is not a checkpoint of this package, a program of it cannot be traced, or ``out`` is
            one of its files.
    """
    target = check_is_for_a_file(out)
    if target.exists():
        if not overwrite:
            raise ExistingPathError(f"{out} exists: give another --out, or --overwrite.")
        if isinstance(world_model, str | Path) and target.is_relative_to(resolved_path(world_model)):
            raise InputError(f"{out} is a file of the world that is read: give another --out.")
    write_file(out, world_page(world_model, name=name).encode())


def world_page(world_model: WorldSource, *, name: str | None = None) -> str:
    """The same as text.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: as :func:`write_page`.
    """
    simulator = _simulator(world_model)
    title = name or (Path(world_model).name if isinstance(world_model, str | Path) else "A world")
    parts = {
        "title": html.escape(title),
        "style": _static("page.css"),
        "worlds": f"const WORLD = {_content(simulator, world_model, title)};",
        "code": "\n".join(map(_static, SCRIPTS)),
    }
    text = _static("page.html")
    for part, content in parts.items():
        text = text.replace(f"<!-- {part} -->", content)
    return text


def _content(simulator: Simulator, world_model: WorldSource, title: str) -> str:
    """The JavaScript object of all that belongs to this world: data and functions."""
    world, n = simulator.world, simulator.world.coordinates.n
    drawing, picture = picture_program(simulator.task, n)
    shared = drawing | ends(simulator.task, n)
    data: dict[str, Any] = description(simulator, title, picture)
    seen = resolve_pixel_world(world_model)
    if seen is not None:
        shared |= frame_programs(seen.codec)
        data["frames"] = frame_data(seen.codec)
    worlds = {"learned" if world.architecture is not None else "true": world}
    if simulator.truth is not None and world.architecture is not None:
        worlds["true"] = simulator.truth
    codes = {key: javascript_code.source(world_programs(one)) for key, one in worlds.items()}
    entries = ", ".join(f"{key}: {code}" for key, code in codes.items())
    facts = json.dumps(data, allow_nan=False).replace("</", "<\\/")
    return f"{{ ...{facts}, shared: {javascript_code.source(shared)}, worlds: {{ {entries} }} }}"


def _simulator(world_model: WorldSource) -> Simulator:
    try:
        return build_simulator(world_model)
    except InputError:  # the reward may be unknown; here it does not matter, and other errors are raised again
        return build_simulator(world_model, reward=lambda *_: 0.0)


def _static(name: str) -> str:
    """A file of the page without its indentation and its comments, which a reader of the page does not need."""
    text = (files("hnn_gym.page") / "static" / name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
