"""Tables of the worlds learned from frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.paper import published
from experiments.pixels import summary
from experiments.scenes import accelerations, identities
from experiments.scenes import command as scenes
from experiments.tables.sources import measurements, table

_PAPER = {"hnn": "HNN", "baseline": "baseline", "best": "ours"}
_FLOORS = {"exact": "the true pendulum", "two_frames": "the true pendulum, started from two frames"}
_AGENTS = {"sac": "SAC of stable-baselines3", "plan": "optimal plan on a grid"}
_BUMPS = {
    "learned_H": "learned H",
    "true_energy_of_the_state": "true energy of the state",
    "true_energy_of_the_frames": "true energy from 5 s of decoded frames",
    "true_energy_of_the_true_map": "the true map with the same bump",
    "frames_against_the_true_map": "frames against the true map",
}


def paper() -> str:
    """Energy MSE of the paper's models and ours on its films."""
    found = measurements("paper")
    rows = []
    for model, name in _PAPER.items():
        entries = list(found.below(f"runs/pixels/{model}/").values())
        old = [source["pixels"].get(model, {}).get("energy_mse") for source in (published.README, published.RERUN)]
        cells = ["" if value is None else f"{value:.1e}" for value in old]
        cells += [_worst([entry[where]["energy_mse"] for entry in entries], ".1e") for where in ("paper", "inside")]
        rows.append((name, *cells, _worst([entry["train_cpu_seconds"] for entry in entries], ".0f")))
    floors = list(found.below("floors/pixels/").values())
    for start, name in _FLOORS.items():
        cells = [
            _worst([floor[start][where]["energy_mse"] for floor in floors], ".1e") for where in ("paper", "inside")
        ]
        rows.append((f"*{name}*", "", "", *cells, ""))
    return table(("", "README", "their code, run again", "here", "corrected protocol", "training, CPU s"), rows)


def forecasts() -> str:
    """Training, encoding, forecasts and SyMetric of all models."""
    return summary.table(measurements("pixels"), groups=("learning", "encoding", "forecasts", "symetric"))


def control() -> str:
    """Real returns of agents trained in the learned worlds, every recording."""
    found = measurements("pixels")
    rows = []
    for agent, name in _AGENTS.items():
        for kind, label in (("mean", "mean return"), ("worst", "worst start")):
            cells = []
            for model in ("HNN", "second-order network"):
                returns = [found[f"{agent}/{seed}/{model}"]["real_from_frames"][kind] for seed in (0, 1, 2)]
                cells.append(", ".join(f"{value:.{1 if kind == 'mean' else 0}f}" for value in returns))
            rows.append((f"{name}, {label}", *cells))
    return table(("recordings 0, 1, 2", "learned HNN", "learned second-order network"), rows, numbers=True)


def bumps() -> str:
    """Errors of energy bumps in the latent of the HNN, over all recordings."""
    entries = list(measurements("pixels").below("bump/").values())
    rows = []
    for request in ("+1 J", "-1 J"):
        found = [entry[request] for entry in entries]
        clipped = f"{sum(one['clipped'] for one in found)} of {sum(one['states'] for one in found)}"
        rows.append((request, clipped, *(_error(found, name) for name in _BUMPS)))
    return table(("request", "clipped", *_BUMPS.values()), rows, numbers=True)


def _error(found: Sequence[dict[str, Any]], name: str) -> str:
    mean = np.mean([one[name]["mean_error_J"] for one in found])
    largest = max(one[name]["largest_error_J"] for one in found)
    return " / ".join(f"{value:.0e}" if value < 1e-9 else f"{value:.2g}" for value in (mean, largest))


def _worst(values: Sequence[float], form: str) -> str:
    rounding = 1e-20
    return "0" if max(values) < rounding else f"{np.mean(values):{form}} / {max(values):{form}}"


def spring() -> str:
    """Every recording of the spring."""
    return scenes.table(measurements("scenes"), "spring")


def sliding_spring() -> str:
    """Every recording of the spring, learned as a body that slides."""
    return scenes.table(measurements("scenes"), "sliding spring")


def two_bodies() -> str:
    """Every recording of two bodies."""
    return scenes.table(measurements("scenes"), "two bodies")


def three_bodies() -> str:
    """Every recording of three bodies."""
    return scenes.table(measurements("scenes"), "three bodies")


def five_bodies() -> str:
    """Every recording of five bodies."""
    return scenes.table(measurements("scenes"), "five bodies")


def cart_pole() -> str:
    """Every recording of the cart-pole."""
    return scenes.driven_table(measurements("scenes"), "cart-pole")


def acrobot() -> str:
    """Every recording of the acrobot."""
    return scenes.driven_table(measurements("scenes"), "acrobot")


TABLES = {
    "pixels-paper": paper,
    "pixels-forecasts": forecasts,
    "pixels-control": control,
    "pixels-bumps": bumps,
    "pixels-spring": spring,
    "pixels-sliding-spring": sliding_spring,
    "pixels-two-bodies": two_bodies,
    "pixels-three-bodies": three_bodies,
    "pixels-accelerations": lambda: accelerations.table(measurements("scenes")),
    "pixels-five-bodies": five_bodies,
    "pixels-identities": lambda: identities.table(measurements("scenes")),
    "pixels-cart-pole": cart_pole,
    "pixels-acrobot": acrobot,
}
"""By name."""
