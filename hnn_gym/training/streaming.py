"""Learning from more transitions than memory holds.

A full-batch fit to a sample of the episodes finds the basin and, where the data are exact, the floor. Then Adam visits
all windows in minibatches that are read as they are needed, with a learning rate that falls. What is kept is what
predicts held-out episodes best, so that a pass never makes a world worse.
"""

from __future__ import annotations

import numpy as np
import torch

from hnn_gym.data import TransitionDataset
from hnn_gym.data.window_stream import WindowStream
from hnn_gym.errors import ConvergenceError
from hnn_gym.training.fit import FitReport, FitState, Progress
from hnn_gym.training.objective import Objective
from hnn_gym.training.settings import FitSettings
from hnn_gym.worlds.devices import on_numpy

_BATCH = 4096
_RATE = 1e-3
"""Share of the learning rate with which a pass begins: the parameters are near where they belong."""
_HELD_OUT_STEPS = 20_000
_LOOKS = 20
"""How many times a pass measures the held-out error."""


def is_streamed(dataset: TransitionDataset, settings: FitSettings) -> bool:
    """Whether the recording is larger than what is fitted as a whole, and can be read episode by episode."""
    return settings.loss != "shooting" and dataset.num_steps > settings.stream_above and len(dataset) > 1


def sample_of(dataset: TransitionDataset, settings: FitSettings) -> TransitionDataset:
    """The part of a recording that lies in memory: all of it, or whole episodes from everywhere in it."""
    if not is_streamed(dataset, settings):
        return dataset
    chosen = dataset.select(_evenly(dataset, settings.stream_above, offset=0.0))
    return chosen.take_steps(min(settings.stream_above, chosen.num_steps))


def stream(
    objective: Objective,
    dataset: TransitionDataset,
    state: FitState,
    *,
    report: FitReport | None = None,
) -> FitState:
    """Continue a fit by Adam over all windows of the recording, in minibatches.

    Args:
        objective: of the sample; it has the model, the scales and the settings.
        dataset: the whole recording.
        state: what the fit to the sample has found, or an interrupted stream.
        report: called after every minibatch.

    Raises:
        ConvergenceError: the loss became NaN or infinite.
    """
    settings = objective.settings
    held_out = _evenly(dataset, min(_HELD_OUT_STEPS, dataset.num_steps // 10), offset=0.5)
    test = objective.on(dataset.select(held_out).windows(settings.horizon))
    others = dataset.select(np.setdiff1d(np.arange(len(dataset)), held_out))
    windows = WindowStream(others, settings.horizon, batch_size=settings.batch_size or _BATCH)
    total = settings.passes * len(windows)
    if state.stage != "stream":
        state.stage, state.stage_start = "stream", {}
        state.kept, state.first_moments, state.second_moments = dict(state.parameters), {}, {}
    place = objective.device
    tensors = {name: torch.tensor(v, device=place, requires_grad=True) for name, v in state.parameters.items()}
    optimizer = torch.optim.Adam(tensors.values(), lr=settings.learning_rate)
    for name, tensor in tensors.items():
        if name in state.first_moments:
            optimizer.state[tensor] = {
                "step": torch.tensor(float(state.stream_step)),
                "exp_avg": torch.tensor(state.first_moments[name], device=place),
                "exp_avg_sq": torch.tensor(state.second_moments[name], device=place),
            }
    best = _loss(test, {name: torch.tensor(value, device=place) for name, value in state.kept.items()})
    error = best
    look = max(1, len(windows) // _LOOKS)
    step = 0
    for number in range(settings.passes):
        for batch in windows.batches(np.random.default_rng([settings.seed, number])):
            step += 1
            if step <= state.stream_step:  # of the run that was interrupted
                continue
            rate = _RATE * (0.5 + 0.5 * np.cos(np.pi * (step - 1) / total))
            optimizer.param_groups[0]["lr"] = settings.learning_rate * rate
            optimizer.zero_grad()
            value, loss = objective.on(batch)(tensors)
            if not bool(torch.isfinite(value)):
                raise ConvergenceError(f"The loss became {value.item()} in minibatch {step}: lower learning_rate.")
            value.backward()
            optimizer.step()
            if step % look == 0 or step == total:
                error = _loss(test, tensors)
                if error < best:
                    best, state.kept = error, {name: on_numpy(tensor).copy() for name, tensor in tensors.items()}
            state.stream_step = step
            state.parameters = {name: on_numpy(tensor).copy() for name, tensor in tensors.items()}
            moments = {name: optimizer.state[tensor] for name, tensor in tensors.items() if optimizer.state[tensor]}
            state.first_moments = {name: on_numpy(entry["exp_avg"]).copy() for name, entry in moments.items()}
            state.second_moments = {name: on_numpy(entry["exp_avg_sq"]).copy() for name, entry in moments.items()}
            if report is not None:
                report(Progress("stream", step, total, value.item(), loss.item(), held_out=error), state)
    state.parameters = dict(state.kept)
    return state


def _loss(objective: Objective, parameters: dict[str, torch.Tensor]) -> float:
    with torch.no_grad():
        loss = objective(parameters)[1].item()
    return loss if np.isfinite(loss) else float("inf")


def _evenly(dataset: TransitionDataset, steps: int, *, offset: float) -> np.ndarray:
    """Numbers of episodes at even distances that hold at most ``steps`` steps together, one at least.

    With another ``offset`` between 0 and 1 they are other ones, where less than half of the episodes are taken.
    """
    count = max(1, int(steps / dataset.lengths.mean()))
    distance = len(dataset) / count
    chosen = np.unique(((np.arange(count) + offset) * distance).astype(np.int64))
    kept = np.cumsum(dataset.lengths[chosen]) <= max(steps, dataset.lengths[chosen[0]])
    return chosen[kept]
