"""The page of the study: real returns of agents from dreams, and the figures of the learned worlds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from textwrap import fill
from typing import Any

import numpy as np

from experiments.classic.agents import Agent
from experiments.classic.model_free import MODEL_FREE
from experiments.classic.tasks import TASKS, ClassicTask
from hnn_gym.studies import Results

_WIDTH = 118
_PARTS = ("H", "actions", "friction", "residual")
_HEAD = """# Gymnasium's own physics

{environments}

`HNNCartPole-v0` has the spaces, starts, rewards, terminations and the length of CartPole-v1, and so have the others;
`BaselineCartPole-v0` is the same from a network without physics.

```python
import gymnasium, hnn_gym

env = gymnasium.make("HNNAcrobot-v0")  # learned from 2,000 real transitions under random actions
observation, info = env.reset(seed=0)  # the same start as Acrobot-v1 with this seed
info["energy"]  # in J
exact = gymnasium.make("HNNAcrobot-v0", stepping="recorded")  # steps as Gymnasium's own code does
bumped = gymnasium.make("HNNAcrobot-v0", actions="bump")  # actions are energy bumps in J
```

A twin steps by a symplectic scheme by default, so that its energy does not drift. `stepping="recorded"` chooses the
scheme that made the recording, which is explicit Euler for CartPole-v1 and a Runge-Kutta scheme for Acrobot-v1 and
MuJoCo. The mountain cars step by symplectic Euler themselves. The twins of the cart-pole, the acrobot and the inverted
pendulums are planar chains: the model assumes rigid links that move in one plane, and learns their masses, lengths and
friction from the recording. The swimmer is such a chain too, one that floats in the plane: besides its links and the
inertia of its motors, its twin learns the drag of the fluid on every link, along it, across it and against turning,
linear and quadratic, and where on the link the fluid acts. All of this takes energy whatever its coefficients are.
The mountain cars' potential is a small network. The arm of Reacher-v5 has a mass matrix of trigonometric polynomials,
and its target is a constant of the episode. MuJoCo's stops of joints give way a little, and so do those of the twins,
which learn their stiffness, damping and compliance. A symplectic scheme lets such a stop act by itself after every
substep, so that forecasts through a stop are less exact than by the recorded scheme.

{recordings}

`python -m experiments.classic` makes this page; every return is in [results/classic.json](results/classic.json). The
shipped weights are made by `python -m experiments.shipped`.

## Agents

Every agent was made in a learned world alone, without a real step, and then acted in the real environment from the
{starts} starts `reset(seed=0)` to `reset(seed={last})`. "HNN" is the recipe of the shipped twin, "network" a
second-order network through the scheme of the recording, trained on the same recordings. The recipes of the
cross-entropy method and of trained agents were chosen by `python -m experiments.classic --choose`, in dreams of
recording 100, by the return in the dream; all that was tried is in the results. Linear-quadratic control and backward
induction have no recipe to choose, and the search for a linear policy has the settings with which it was written. The
cross-entropy method plans while it acts, in the learned world; it has nothing to train. Agents are made by one thread;
the last column has the slowest recording, on a busy machine.
"""
_MODEL_FREE = """
For scale, agents that learned from the real environment without a model, as RL Baselines3 Zoo publishes them with its
tuned settings (one training each, its own starts; Raffin, *RL Baselines3 Zoo*, 2020, benchmark.md), and the real steps
they took:

| environment | model-free agents | real transitions here |
|---|---|---|
"""
_MEASURED = """
MuJoCo's environments of version 5 are not among these. Here is what stable-baselines3 earns from the real environment
with settings of the same source (folder hyperparams), from the same {starts} starts as above, in each training. The
source tuned them for earlier versions of the environments, and for trainings of 1,000,000 steps: PPO's rows show what
few real steps earn, and not where PPO ends. SAC, which often needs fewer steps, was measured in Swimmer-v5 alone. PPO
divides observations and rewards by their standard deviations so far, as the source does. The training in Swimmer-v5 was
stopped and resumed with its networks, optimisers and replay buffer.
"""
_WORLDS = """
## Worlds

Errors on real episodes that were not learned from: of one step, the root mean square over all entries; open loop, the
worst entry after 50 steps, or as many as the median episode has, median over 100 real states.
Both are in standard deviations of the observation entries. "Ends apart" counts the episodes of 100 that the learned
world ends more than one step before or after the real end, under the recorded actions. CPU seconds are those of the
fit, on a busy machine.
"""
_STARTS = """
## The shipped twins

The largest difference of an entry of the observation between `reset(seed=s)` of a twin and of the real environment,
"""
_BUMPS = """
A bump of 1 J in a twin, at states of real episodes under random actions, judged by the true energy (of the acrobot in
closed form, of MuJoCo's own for the inverted pendulum), as a share of the joule:
"""
_FORCES = """
How much of the force dp/dt on the twins comes from H, from the actions, from friction and drag, and from the stops of
joints: root mean squares along real episodes under random actions, as shares of the whole force on a degree of
freedom, over all that move. Shares of forces that act against each other add up to more than 1. The twins have no other
forces.
"""
_SPEED = """
Steps per CPU second of one thread, of single environments and of batches: 1,024 copies of the twin, and 64 real ones in
Gymnasium's SyncVectorEnv. The machine was busy; the ratios are of interleaved runs.
"""


def page(results: Results) -> str:
    """The page, as Markdown."""
    cells = results.below("agent/")
    starts = max((len(cell["each"]) for cell in cells.values() if "each" in cell), default=0)
    worlds = results.below("world/")
    names = ", ".join(TASKS)
    lengths = ", ".join(f"{task.transitions:,} transitions of {task.env_id}" for task in TASKS.values())
    head = _HEAD.format(
        environments=fill(f"Twins of {names} ship with the package, and step without MuJoCo.", _WIDTH),
        recordings=fill(f"The recordings have {lengths}: random actions, and for the cars held extremes.", _WIDTH),
        starts=starts,
        last=starts - 1,
    )
    published = [f"| {t.env_id} | {t.model_free} | {t.transitions:,} |" for t in TASKS.values() if t.model_free]
    agents = [
        *_as_good(cells),
        *_agents(cells),
        _MODEL_FREE + "\n".join(published),
        *_measured(results.below("model-free/"), starts),
    ]
    twins = [*_starts(results.below("start/")), *_bumps(results.below("bump/"))]
    twins += [*_forces(results.below("force/")), *_speed(results.below("speed/"))]
    return "\n".join([head, *agents, _WORLDS, *_worlds(worlds), *twins]) + "\n"


def _measured(cells: dict[str, Any], starts: int) -> list[str]:
    """What agents earn that learned from the real environment here."""
    if not cells:
        return []
    lines = [
        _MEASURED.format(starts=starts),
        "| environment | agent | settings | real transitions | mean real return of each training | worst episode "
        "| episodes at the bar | real transitions of the dreams above |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (env_id, algorithm), measured in MODEL_FREE.items():
        trainings, task = _of(cells, f"{env_id}/{algorithm}/").values(), TASKS[env_id]
        for count in measured.milestones if trainings else ():
            after = [training[str(count)] for training in trainings]
            shares = ", ".join(f"{np.mean(np.array(one['each']) >= task.bar):.0%}" for one in after)
            shares = "it is the bar" if env_id == "Swimmer-v5" else shares
            means = ", ".join(f"{one['mean']:,.1f}" for one in after)
            entries = [env_id, algorithm, measured.source, f"{count:,}", means]
            entries += [f"{min(one['worst'] for one in after):,.1f}", shares, f"{task.transitions:,}"]
            lines.append("| " + " | ".join(entries) + " |")
    return lines


def _as_good(cells: dict[str, Any]) -> list[str]:
    """Where agents from the network's dreams reach the bar in every recording, as those of the HNN do, in words."""
    good = []
    for task in TASKS.values():
        found = [_of(cells, f"{task.env_id}/{agent.name}/network/recorded/").values() for agent in task.agents]
        if any(some and all(_reached(task, cell) for cell in some) for some in found):
            good.append(task.env_id)
    if not good:
        return []
    words = f"Agents from the network's dreams reach the bar in all recordings too in {', '.join(good)}."
    return [fill(words, _WIDTH), ""]


def _reached(task: ClassicTask, cell: dict[str, Any]) -> bool:
    if "mean" not in cell:
        return False
    if task.share is None:
        return bool(cell["mean"] >= task.bar)
    return bool(np.mean(np.array(cell["each"]) >= task.bar) >= task.share)


def _agents(cells: dict[str, Any]) -> list[str]:
    lines = [
        "| environment | agent | learned from | world | stepping | mean real return of each recording | worst episode "
        "| episodes at the bar | bar | CPU seconds to make |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for task in TASKS.values():
        for agent, learner, stepping in product(task.agents, ("HNN", "network"), ("symplectic", "recorded")):
            found = _of(cells, f"{task.env_id}/{agent.name}/{learner}/{stepping}/")
            if found:
                lines.append(_agent_row(task, agent.name, learner, stepping, found))
    words = [_transfer(cells), _exploited(cells), _missing(cells)]
    return [*lines, "", "\n\n".join(fill(some, _WIDTH) for some in words if some)]


def _missing(cells: dict[str, Any]) -> str:
    """Which agents were not made in the network's worlds, or in a symplectic dream, in words."""
    every = [(agent, task.env_id) for task in TASKS.values() for agent in task.agents]

    def made(agent: Agent, env_id: str, kind: str) -> bool:
        return bool(_of(cells, f"{env_id}/{agent.name}/{kind}/"))

    network = [
        f"{agent.name} in {env_id}"
        for agent, env_id in every
        if "network" in agent.learners and not made(agent, env_id, "network/recorded")
    ]
    slow = [
        f"{agent.name} in {env_id}"
        for agent, env_id in every
        if made(agent, env_id, "HNN/recorded") and not made(agent, env_id, "HNN/symplectic")
    ]
    words = [f"Not measured in the network's worlds: {', '.join(network)}."] if network else []
    if slow:
        words.append(f"Not measured in dreams that step symplectically: {', '.join(slow)}.")
    rows = {key.rsplit("/", 1)[0] for key in cells}
    if any(len(_of(cells, row + "/")) < 3 for row in rows):
        words.append("A row with one return is of recording 0 alone.")
    return " ".join(words)


def _transfer(cells: dict[str, Any]) -> str:
    """Which way of stepping a dream transfers better, in words."""
    means = {key: cell["mean"] for key, cell in cells.items() if "/symplectic/" in key and "mean" in cell}
    pairs = {key: (mean, cells.get(key.replace("/symplectic/", "/recorded/"), {})) for key, mean in means.items()}
    gains = {key: mean - other["mean"] for key, (mean, other) in pairs.items() if "mean" in other}
    if not gains:
        return ""
    most = max(gains, key=lambda key: abs(gains[key]))
    better, worse = sum(gain > 0 for gain in gains.values()), sum(gain < 0 for gain in gains.values())
    return (
        f"{len(gains)} pairs of agents were made from the same recording, one in a dream that steps symplectically and "
        f"one in a dream that steps as the recording. The first has the higher real return in {better} pairs, the "
        f"second in {worse}, and in the others both have the same. They differ by {abs(gains[most]):.2g} at most, in "
        f"{most.split('/')[0]}. PPO was tried in dreams of Acrobot-v1 too, with settings chosen by hand, and did not "
        "learn the swing-up reliably: see `tried` in the results."
    )


def _exploited(cells: dict[str, Any]) -> str:
    """Which agents earn far less in reality than in the dream, in words."""
    promised: dict[str, list[tuple[float, float]]] = {}
    for key, cell in cells.items():
        if "/network/" in key and "mean" in cell and cell["dream"] - cell["mean"] > abs(cell["mean"]):
            promised.setdefault(key.split("/")[0], []).append((cell["dream"], cell["mean"]))
    return " ".join(
        f"In the network's dreams of {env_id}, the agents earn {_listed(dream for dream, _ in found)}, and in reality "
        f"{_listed(mean for _, mean in found)}: they have learned to use the errors of the dream."
        for env_id, found in promised.items()
    )


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:,.0f}" for value in values)


def _agent_row(task: ClassicTask, agent: str, learner: str, stepping: str, found: dict[int, Any]) -> str:
    good = {seed: cell for seed, cell in found.items() if "mean" in cell}
    means = ", ".join(f"{found[seed]['mean']:.1f}" if seed in good else "failed" for seed in found)
    if not good:
        return f"| {task.env_id} | {agent} | {task.transitions:,} | {learner} | {stepping} | {means} | | | | |"
    worst = min(cell["worst"] for cell in good.values())
    shares = ", ".join(f"{np.mean(np.array(cell['each']) >= task.bar):.0%}" for cell in good.values())
    bar = f"mean >= {task.bar:g}" if task.share is None else f">= {task.bar:,g} on {task.share:.0%}"
    if task.env_id == "Swimmer-v5":
        bar = f"mean > {task.bar:g}, of SAC below"
    seconds = max(cell["cpu_seconds"] for cell in good.values())
    entries = [task.env_id, agent, f"{task.transitions:,}", learner, stepping, means, f"{worst:.1f}", shares, bar]
    return "| " + " | ".join([*entries, f"{seconds:.0f}"]) + " |"


def _worlds(cells: dict[str, Any]) -> list[str]:
    lines = [
        "| environment | world | stepping | one step, each recording | open loop | steps | ends apart | CPU seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task in TASKS.values():
        for learner in ("HNN", "network"):
            found = _of(cells, f"{task.env_id}/{learner}/")
            for stepping in ("recorded", "symplectic"):
                kinds = [_kinds(cell)[stepping] for cell in found.values() if stepping in _kinds(cell)]
                if kinds:
                    entries = [task.env_id, learner, stepping]
                    entries += [", ".join(f"{kind[name]:.1e}" for kind in kinds) for name in ("one_step", "open_loop")]
                    entries += [str(kinds[0]["steps"]), ", ".join(str(kind["ends_apart"]) for kind in kinds)]
                    entries.append(f"{np.median([cell['cpu_seconds'] for cell in found.values()]):.0f}")
                    lines.append("| " + " | ".join(entries) + " |")
    return lines


def _starts(cells: dict[str, Any]) -> list[str]:
    if not cells:
        return []
    seeds = next(iter(cells.values()))["seeds"]
    lines = [
        _STARTS + f"over the seeds 0 to {seeds - 1}:",
        "",
        "| twin of | starts apart, at most |",
        "|---|---|",
    ]
    found = {env_id: cells[env_id]["apart"] for env_id in TASKS if env_id in cells}
    return [*lines, *(f"| {env_id} | {f'{apart:.1e}' if apart else '0'} |" for env_id, apart in found.items())]


def _bumps(cells: dict[str, Any]) -> list[str]:
    if not cells:
        return []
    lines = [_BUMPS, "| twin of | states | error at 95 % of them, at most | at all |", "|---|---|---|---|"]
    for env_id, cell in cells.items():
        lines.append(f"| {env_id} | {cell['states']:,} | {cell['error_of_95_percent']:.1e} | {cell['worst']:.1e} |")
    return lines


def _forces(cells: dict[str, Any]) -> list[str]:
    if not cells:
        return []
    rows = [[env_id, *(f"{cells[env_id][part]:.2g}" for part in _PARTS)] for env_id in TASKS if env_id in cells]
    return [
        _FORCES,
        "| twin of | H | actions | friction | stops |",
        "|---|---|---|---|---|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _speed(cells: dict[str, Any]) -> list[str]:
    if not cells:
        return []
    lines = [
        _SPEED,
        "| twin of | stepping | single, against the real one | 1,024 against 64 real ones |",
        "|---|---|---|---|",
    ]
    for env_id, cell in cells.items():
        for stepping in ("symplectic", "recorded"):
            ratios = [f"{cell[f'{kind}/{stepping}'] / cell[f'{kind}/real']:.2g} x" for kind in ("single", "batch")]
            rates = [f"{cell[f'{kind}/{stepping}']:,.0f}/s" for kind in ("single", "batch")]
            entries = [f"{ratio} ({rate})" for ratio, rate in zip(ratios, rates, strict=True)]
            lines.append("| " + " | ".join([env_id, stepping, *entries]) + " |")
    return lines


def _kinds(cell: dict[str, Any]) -> dict[str, Any]:
    """The figures of a world by its ways of stepping."""
    return {name: value for name, value in cell.items() if isinstance(value, dict)}


def _of(cells: dict[str, Any], prefix: str) -> dict[int, Any]:
    """Cells by recording, without the one by which settings were chosen."""
    found = {int(key.rsplit("/", 1)[1]): cell for key, cell in cells.items() if key.startswith(prefix)}
    return {seed: found[seed] for seed in sorted(found) if seed < 100}
