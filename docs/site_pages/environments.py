"""A page for each environment, made of its ``System``: ids, spaces, map, task, true physics, and its worlds to try."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium

from hnn_gym.coordinates import describe
from hnn_gym.envs.shipped import WEIGHTS, resolve_pixel_world
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import scheme_name
from hnn_gym.systems import SYSTEMS, System
from hnn_gym.worlds.world_model import WorldModel
from site_pages.docstrings import markdown
from site_pages.films import SIZE, filmed
from site_pages.worlds import page_size


def write(folder: Path) -> None:
    """Write ``environments/``: an index, and one page for each system."""
    out = folder / "environments"
    out.mkdir(parents=True)
    systems = [system for system in SYSTEMS.values()]
    rows = [f"| [{system.id}]({_slug(system)}.md) | {_known(system)} | {_worlds_cell(system)} |" for system in systems]
    listed = "\n".join(_slug(system) for system in systems)
    table = "\n".join(["| environment | what is known of it | worlds that ship |", "|---|---|---|", *rows])
    about = (
        "Each page is made of the environment's declaration, its `System`. What holds for all of them, and how you "
        "declare one of your own, is [here](../../environments.md). Click a world to try it in this browser."
    )
    index = f"# Environments, one by one\n\n{about}\n\n{table}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    (out / "index.md").write_text(index, encoding="utf-8")
    for system in systems:
        (out / f"{_slug(system)}.md").write_text(_page(system), encoding="utf-8")


def _slug(system: System) -> str:
    return system.id.lower().replace("/", "-")


def _shipped(system: System) -> list[str]:
    names = [f"{prefix}{system.name}-v0" for prefix in system.twins]
    return names + [f"{prefix}Pixel{system.name}-v0" for prefix in system.pixel_twins]


def _known(system: System) -> str:
    parts = {"map": system.coordinates, "task": system.task, "true physics": system.truth}
    return ", ".join(name for name, part in parts.items() if part is not None) or "nothing"


def _worlds_cell(system: System) -> str:
    return ", ".join(map(_live, _shipped(system))) or "none"


def _live(name: str) -> str:
    return f"<a href='../../worlds/{name}.html'>{name}</a>"


def _page(system: System) -> str:
    task = system.task_for({})
    parts = [f"# {system.id}", _films(system), _summary(system, task)]
    live = [name for name in _shipped(system) if name.startswith("HNN") and "Pixel" not in name]
    parts += [_frame(name) for name in live[:1]]
    coordinates = system.coordinates_for({})
    if coordinates is not None:
        sentences = "\n".join(f"- {sentence}" for sentence in describe(coordinates))
        parts.append(f"## The observations and actions\n\n{sentences}")
    if task is not None:
        parts.append(f"## The task\n\n{markdown(type(task))}")
    if system.truth is not None:
        parts.append(f"## The true physics\n\n{_truth(system)}")
    if _shipped(system):
        parts.append(f"## The worlds that ship with the package\n\n{_cards(system)}")
    parts.append(f"## Learn it\n\n{_commands(system)}")
    return "\n\n".join(parts) + "\n"


def _summary(system: System, task: Any) -> str:
    module = __import__(f"hnn_gym.systems.{_module(system)}", fromlist=["SYSTEM"]) if _module(system) else None
    about = markdown(module) if module is not None else ""
    ids = [system.id] if system.id in gymnasium.registry else []
    true, learned = ([f"{prefix}{name}-v0" for name in system.variants] for prefix in ("", "HNN"))
    ids += [name for name in (*true, *_shipped(system), *learned) if name in gymnasium.registry]
    rows = [("ids for `gymnasium.make`", ", ".join(f"`{name}`" for name in ids) or "none: it was only recorded")]
    rows.append(("time step", f"{system.dt:g} s" if system.dt is not None else "not declared: one unit of time"))
    if task is not None:
        spaces = [
            " ".join(str(space).split()).replace("|", "\\|") for space in (task.observation_space, task.action_space)
        ]
        rows += [("observation space", f"`{spaces[0]}`"), ("action space", f"`{spaces[1]}`")]
        rows.append(("length of an episode", f"{task.max_episode_steps} steps"))
        if task.options:
            rows.append(("options of `reset`", ", ".join(f"`{name}`" for name in ("state", *task.options))))
    if system.arguments():
        rows.append(("arguments of `make`", ", ".join(f"`{name}`" for name in system.arguments())))
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
    return f"{about}\n\n{table}"


def _module(system: System) -> str | None:
    from hnn_gym.systems.shipped import FILES

    for name in FILES:
        if __import__(f"hnn_gym.systems.{name}", fromlist=["SYSTEM"]).SYSTEM is system:
            return name
    return None


def _films(system: System) -> str:
    """The films of an environment, side by side; those on white have dark twins."""
    pictures, words = [], []
    for name in filmed(system):
        pixels, true = "Pixel" in name, name == system.id
        shades = [("", "")] if pixels else [(".only-light ", ""), (".only-dark ", "-dark")]
        kind = "the frames that it decodes" if pixels else "the true world" if true else "the learned world"
        pictures += [f"![{name}](../films/{name}{end}.gif){{{shade}width={SIZE}px}}" for shade, end in shades]
        words.append(f"`{name}`, {kind}")
    if not pictures:
        return ""
    said = f"*Pushed at random, each push held for a second: {'; '.join(words)}.*"
    return f":::{{container}} films\n{' '.join(pictures)}\n:::\n\n{said}"


def _frame(name: str) -> str:
    source = f"../../worlds/{name}.html"
    return (
        f"## Try it\n\nThis is [the page](../../browser.md) of `{name}`, which also [opens alone]({source}):\n\n"
        f'```{{raw}} html\n<iframe class="world" src="{source}" title="{name}" loading="lazy"></iframe>\n```'
    ).replace(f"[opens alone]({source})", f"{_live(name).replace(name + '</a>', 'opens alone</a>')}")


def _truth(system: System) -> str:
    world = system.true_world({})
    assert isinstance(world.dynamics, PortHamiltonian)
    hamiltonian = world.dynamics.hamiltonian
    scheme = world.integrator
    fields = {name: value for name, value in vars(hamiltonian).items() if name != "n"}
    plain = all(isinstance(value, int | float | tuple) for value in fields.values())
    numbers = fields if plain else {}
    here = ", ".join(
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}" for name, value in numbers.items()
    )
    words = f"Here {here}. " if here else ""
    words += f"It is stepped by `{scheme_name(scheme)}` at {world.dt:g} s."
    return f"{markdown(type(hamiltonian))}\n\n{words}"


def _cards(system: System) -> str:
    rows = ["| world | its page | learned from | model | scheme | figures on its card |", "|---|---|---|---|---|---|"]
    for name in _shipped(system):
        world, seen = WorldModel.load(WEIGHTS / name), resolve_pixel_world(name)
        data, figures = world.card.get("data", {}), dict(world.card.get("figures", {}))
        if seen is None:
            source = f"{data['steps']:,} transitions"
        else:
            source = f"{seen.about['frames']:,} frames"
            figures = {key: value for key, value in dict(seen.about["figures"]).items() if key != "horizon"}
        words = ", ".join(
            f"{key.replace('_', ' ')} {value:.2g}" for key, value in figures.items() if isinstance(value, int | float)
        )
        model, scheme = type(world.architecture).__name__, scheme_name(world.integrator)
        size = f"{page_size(name) / 1000:.0f} kB"
        rows.append(f"| {_live(name)} | {size} | {source} | `{model}` | `{scheme}` | {words} |")
    return "\n".join(rows)


def _commands(system: System) -> str:
    if system.id not in gymnasium.registry:
        return (
            "It is known from a recording alone; [logs](../../recording.md) says how a recording of yours is learned."
        )
    name = system.name.lower()
    lines = [
        f"python -m hnn_gym.collect --env {system.id} --steps 5000 --out data/{name}.zarr",
        f"python -m hnn_gym.train data/{name}.zarr --out runs/{name}",
        f"python -m hnn_gym.page runs/{name} --out {name}.html",
    ]
    return "```bash\n" + "\n".join(lines) + "\n```"
