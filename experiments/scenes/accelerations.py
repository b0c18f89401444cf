"""What a network can know of bodies from one recording: accelerations as functions of exact positions.

No frames are needed. The accelerations are second differences of the recorded positions without the thrust. A network
of all positions is fitted to the first four fifths of the recording, in every width and with every decay, and so is
a sum over the pairs of bodies whose coefficients all bodies share. The errors are those of the last fifth.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch

from hnn_gym.data import record_steps
from hnn_gym.evaluation import markdown_table
from hnn_gym.studies import Results
from hnn_gym.training.pixel_motion import of_bodies

WIDTHS = (16, 64)
DECAYS = (0.0, 1e-4, 1e-3, 1e-2)
_STEPS = 200
_SHARE = 0.8
_THRUST, _DT = 0.2, 0.02
"""Largest thrust in N, and the step in s."""


def known(env_id: str, seed: int, *, steps: int) -> dict[str, Any]:
    """Errors of accelerations in a recording, as shares of their standard deviation in the same part of it.

    Returns:
        ``network``: of every width and decay, in the first four fifths and in the last; ``pairs``: of the sum over
        pairs, in the last.
    """
    q, acceleration = _recorded(env_id, seed, steps)
    first = int(_SHARE * len(q))
    before, scale = acceleration[:first].std(), acceleration[first:].std()
    found: dict[str, Any] = {"network": {}}
    for width in WIDTHS:
        for decay in DECAYS:
            error = before * _fitted(q / q.std(), acceleration / before, first, width, decay) - acceleration
            shares = [_rms(error[:first]) / before, _rms(error[first:]) / scale]
            found["network"][f"{width} units, decay {decay:g}"] = shares
    terms = of_bodies(q.shape[1] // 2, ())(q, np.zeros((len(q), 0)))
    flat = terms.reshape(-1, terms.shape[-1])
    known_part = slice(0, first * q.shape[1])
    coefficients = np.linalg.lstsq(flat[known_part], acceleration.ravel()[known_part], rcond=None)[0]
    found["pairs"] = _rms((terms @ coefficients - acceleration)[first:]) / scale
    return found


def table(results: Results) -> str:
    """Every recording as a row of Markdown; the network whose error in the last fifth is smallest."""
    rows = {}
    for key, found in results.below("accelerations/").items():
        seed, name = key.split("/")
        best = min(found["network"].values(), key=lambda errors: errors[1])
        closest = min(found["network"].values(), key=lambda errors: errors[0])
        pairs = f"{100 * found['pairs']:.2g}%"
        shares = [" / ".join(f"{100 * error:.0f}%" for error in errors) for errors in (best, closest)]
        rows[f"{name}, recording {seed}"] = [*shares, pairs]
    columns = [
        "best network in the last fifth: four fifths / last fifth",
        "best network in the four fifths: four fifths / last fifth",
        "sum over pairs: last fifth",
    ]
    return markdown_table(columns, dict(sorted(rows.items())))


def _recorded(env_id: str, seed: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions ``(N, n)`` in m and accelerations without thrust in m/s^2 in the middle of every three states."""
    env = gymnasium.make(env_id)
    q, acceleration = [], []
    for episode in record_steps(env, steps=steps, seed=seed, record_state=True):
        path = np.split(np.asarray(episode.state), 2, axis=-1)[0]
        thrust = np.zeros((len(path) - 2, path.shape[1]))
        thrust[:, :2] = _THRUST * (episode.action[1:] + episode.action[:-1]) / 2
        q.append(path[1:-1])
        acceleration.append((path[2:] - 2 * path[1:-1] + path[:-2]) / _DT**2 - thrust)
    env.close()
    return np.concatenate(q), np.concatenate(acceleration)


def _fitted(inputs: np.ndarray, target: np.ndarray, first: int, width: int, decay: float) -> np.ndarray:
    """What a network says of all rows, fitted to the first of them."""
    draw = torch.Generator().manual_seed(0)
    sizes = ((width, inputs.shape[1]), (width,), (target.shape[1], width), (target.shape[1],))
    weights = [torch.randn(size, generator=draw, dtype=torch.float64) / np.sqrt(size[-1]) for size in sizes]
    for weight in weights:
        weight.requires_grad_()
    x, y = torch.tensor(inputs), torch.tensor(target)
    optimiser = torch.optim.LBFGS(weights, max_iter=_STEPS, history_size=30, line_search_fn="strong_wolfe")

    def said(rows: torch.Tensor) -> torch.Tensor:
        return torch.tanh(rows @ weights[0].T + weights[1]) @ weights[2].T + weights[3]

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        penalty = sum((weight**2).sum() for weight in weights)
        value = ((said(x[:first]) - y[:first]) ** 2).mean() + decay * penalty
        value.backward()
        return value

    optimiser.step(loss)
    return said(x).detach().numpy()


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))
