"""The page of the study: a figure, means and worst data seeds, and the return of every data seed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.long_task.paired_figure import paired_losses
from experiments.sample_efficiency.contenders import CONTENDERS
from hnn_gym.studies import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTHING, TRUE = "nothing", "true"
_OURS = "HNN"
_FOOT = """
## What to know

In the swing-up of 200 steps with the full motor these same worlds differ little, because strong torque and feedback
correct a world's errors of energy. Here the motor gives 3.3 mJ in a step at the target (0.02 N m, 3.3 rad/s on
average, 0.05 s). The closer a learned world's own gain or loss of energy comes to that, the more it misjudges what
pumping is worth. **Own energy** is the energy that an unforced motion of the learned world gains or loses in a
step: the slope of the true energy over 20 s, the largest of five swings of 1 to 5 J. Where an MLP's is no larger
than the oscillation of the true map, its agent is as good as the HNN's.

"Promised" is the return that the learned world predicts. Interpolation on the grid blurs values over so many steps,
in the true world too, so that every good world promises less than its agent earns. For the same reason the agent is
not quite optimal: losses of about 1, of either sign, say nothing about a world.
"""
_HEAD = """# A long task with a weak motor

The rod of Pendulum-v1 has a motor of 0.02 N m in place of its 2 N m. **The agent has to bring it to a swing of 90
degrees and keep it there**, in 5,000 steps (250 s). Energy can only be pumped in step with the swing, over hundreds
to thousands of steps, and torque is expensive:

    r = -((E - E*) / 5 J)^2 - 0.5 (u / 0.02 N m)^2,

where E is the true energy after the step and E* that of resting horizontally, 5 J above hanging. Torque pays only
because energy is conserved. A learned world that gains or loses energy teaches otherwise.

The worlds are those of the [study of sample efficiency](sample-efficiency.md): the same recordings under random
torques of up to 2 N m, the same training, and the decay and width that held-out error chose there for every
contender ([what was chosen](sample-efficiency.md#what-was-chosen)). The agent is the same for all: backward induction
over the whole episode in the learned world, on one grid, with actions held for 0.2 s. It then acts in Gymnasium's own
Pendulum-v1 from {starts} shared starts (`reset(seed=0..{last})`). The **loss** is the return of the same agent with
the true dynamics minus its return with the learned world. With the true dynamics it earns {true:.1f} on average;
doing nothing earns {nothing:.1f}. The task, the motor, the cost of torque and the grid were fixed on other recordings
(seeds 100 to 102), where motors of 0.02, 0.05 and 0.1 N m were tried: the weaker the motor, the more it matters that a
world conserves its energy.

`python -m experiments.long_task` makes this page; every return is in
[results/long_task.json](results/long_task.json).

![Loss of every recording](long-task.png)
"""


def cells(results: Results) -> dict[tuple[float, int], dict[str, dict[int, dict[str, Any]]]]:
    """The measurements, by noise and transitions, by contender, by the data seeds that all contenders share."""
    found: dict[tuple[float, int], dict[str, dict[int, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    for key, one in results.below("cell/").items():
        noise, steps, name, seed = key.split("/")
        found[float(noise), int(steps)][name][int(seed)] = one
    ordered = {}
    for kind in sorted(found):
        names = [name for name in CONTENDERS if name in found[kind]]
        seeds = sorted(set.intersection(*(set(found[kind][name]) for name in names)))
        ordered[kind] = {name: {seed: found[kind][name][seed] for seed in seeds} for name in names}
    return ordered


def losses(results: Results, seeds: dict[int, dict[str, Any]]) -> np.ndarray:
    """Mean paired loss of every data seed ``(seeds,)``, NaN where the fit failed."""
    true = np.array(results[TRUE]["returns"])
    return np.array([_mean(true - np.array(one["returns"])) if "returns" in one else np.nan for one in seeds.values()])


def figure(results: Results) -> Figure:
    """Draw the loss on every data seed, one panel for each kind of recording."""
    panels = {
        _kind(*kind): {name: losses(results, seeds) for name, seeds in found.items()}
        for kind, found in cells(results).items()
    }
    return paired_losses(panels, label="loss to the same agent with the true dynamics")


def page(results: Results) -> str:
    """The page, as Markdown."""
    true, nothing = (np.array(results[key]["returns"]) for key in (TRUE, NOTHING))
    head = _HEAD.format(starts=len(true), last=len(true) - 1, true=true.mean(), nothing=nothing.mean())
    lines = [head, *_summary(results), "", "## Every recording", "", *_every(results)]
    return "\n".join(lines) + "\n" + _FOOT


def _summary(results: Results) -> list[str]:
    lines = [
        "| recording | world | mean return | loss, mean | median | worst seed | error of the energy at the end, RMS, J "
        "| own energy in mJ: median, worst seed | promised minus earned | the HNN earns more |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines.append(_row("-", "true", {0: results[TRUE]}, np.zeros(1), "-"))
    for kind, found in cells(results).items():
        for name, seeds in found.items():
            lost, better = losses(results, seeds), "-"
            if _OURS in found and name != _OURS:
                wins = np.nan_to_num(lost, nan=np.inf) > losses(results, found[_OURS])
                better = f"on {wins.sum()} of {len(seeds)} seeds"
            lines.append(_row(_kind(*kind), name, seeds, lost, better))
    return lines


def _row(kind: str, name: str, seeds: dict[int, dict[str, Any]], lost: np.ndarray, better: str) -> str:
    good = [one for one in seeds.values() if "returns" in one]
    if len(good) < len(seeds):
        return f"| {kind} | {name} | {len(seeds) - len(good)} of {len(seeds)} fits failed | | | | | | | {better} |"
    returned, off, promised = (
        np.array([_mean(np.array(one[key])) for one in good]) for key in ("returns", "energy_error_J", "promised")
    )
    entries = [kind, name, f"{returned.mean():.2f}"]
    entries += [f"{value:.2f}" for value in (lost.mean(), np.median(lost), lost.max(), off.mean())]
    own = np.array([np.abs(one["own_energy_mJ"]).max() for one in good])
    entries.append(f"{np.median(own):.2f}, {own.max():.2f}")
    return "| " + " | ".join([*entries, f"{(promised - returned).mean():.0f}", better]) + " |"


def _every(results: Results) -> list[str]:
    """Mean return of every data seed."""
    kinds = cells(results)
    seeds = sorted({seed for found in kinds.values() for cell in found.values() for seed in cell})
    lines = ["| recording | world | " + " | ".join(f"seed {seed}" for seed in seeds) + " |"]
    lines.append("|---|---|" + "---|" * len(seeds))
    for kind, found in kinds.items():
        for name, cell in found.items():
            known = {seed: np.array(one["returns"]) for seed, one in cell.items() if "returns" in one}
            means = [f"{_mean(known[seed]):.2f}" if seed in known else "-" for seed in seeds]
            lines.append(f"| {_kind(*kind)} | {name} | " + " | ".join(means) + " |")
    return lines


def _kind(noise: float, steps: int) -> str:
    return f"{steps} transitions, " + (f"{noise:.0%} noise" if noise else "exact")


def _mean(values: np.ndarray) -> float:
    return float(values.mean())
