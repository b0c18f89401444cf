"""Learning from more transitions than memory holds.

A full-batch fit to a sample of the episodes finds the basin and, where the data are exact, the floor. Then Adam visits
all windows in minibatches that are read as they are needed, with a learning rate that falls. Some steps of
Levenberg-Marquardt on the sample end the fit: Adam's steps are noisy, and these are not. What is kept is what predicts
held-out episodes best, so that no part of this makes a world worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from hnn_gym.data import TransitionDataset
from hnn_gym.data.window_stream import WindowStream
from hnn_gym.errors import ConvergenceError
from hnn_gym.training.fit import FitReport, FitState, Progress
from hnn_gym.training.least_squares import MOST_PARAMETERS, LeastSquaresSettings, least_squares, tensors
from hnn_gym.training.objective import Objective
from hnn_gym.training.settings import FitSettings
from hnn_gym.worlds.devices import on_numpy

_BATCH = 4096
_RATE = 1e-3
"""Share of the learning rate with which a pass begins: the parameters are near where they belong."""
_HELD_OUT_STEPS = 20_000
_LOOKS = 20
"""How many times a pass measures the held-out error."""
_FINAL_ENTRIES = 20_000_000
"""Derivatives in a final step: 160 MB."""
_VALUES_A_PARAMETER = 10, 50
"""Observed values for each parameter in a final step: fewest, and most, since steps are slow."""
_FINAL_CHUNK = 160_000
"""Windows, times parameters, whose derivatives are computed at a time."""


def is_streamed(dataset: TransitionDataset, settings: FitSettings) -> bool:
    """Whether the recording is larger than what is fitted as a whole, and can be read episode by episode."""
    return settings.loss != "shooting" and dataset.num_steps > settings.stream_above and len(dataset) > 1


def sample_of(dataset: TransitionDataset, settings: FitSettings) -> TransitionDataset:
    """The part of a recording that lies in memory: all of it, or whole episodes from everywhere in it."""
    if not is_streamed(dataset, settings):
        return dataset
    chosen = dataset.select(_evenly(dataset, settings.stream_above, offset=0.0))
    return chosen.take_steps(min(settings.stream_above, chosen.num_steps))


def settings_of_all(dataset: TransitionDataset, settings: FitSettings) -> FitSettings:
    """The settings with the decay that all transitions of a streamed recording ask for.

    The decay is a prior of the weights, and the loss a mean over transitions. So that the prior counts as much beside
    all transitions as it does beside the sample, its factor is smaller by their ratio.
    """
    return replace(settings, decay=settings.decay * settings.stream_above / dataset.num_steps)


def stream(
    objective: Objective,
    dataset: TransitionDataset,
    state: FitState,
    *,
    report: FitReport | None = None,
) -> FitState:
    """Continue a fit by Adam over all windows of the recording, and by some final steps on the sample.

    Args:
        objective: of the sample; it has the model, the scales and the settings (:func:`settings_of_all`).
        dataset: the whole recording.
        state: what the fit to the sample has found, or an interrupted stream.
        report: called after every minibatch and every final step.

    Raises:
        ConvergenceError: the loss became NaN or infinite.
    """
    held_out = _evenly(dataset, min(_HELD_OUT_STEPS, dataset.num_steps // 10), offset=0.5)
    test = objective.on(dataset.select(held_out).windows(objective.settings.horizon))
    if state.stage != "final":
        _passes(objective, dataset.select(np.setdiff1d(np.arange(len(dataset)), held_out)), test, state, report)
        state.stage, state.stage_start = "final", dict(state.kept)
    _final_steps(objective, test, state, report)
    state.parameters = dict(state.kept)
    return state


def _passes(
    objective: Objective, dataset: TransitionDataset, test: Objective, state: FitState, report: FitReport | None
) -> None:
    """Adam over all windows; ``state.kept`` is what has the least error on ``test``."""
    settings, place = objective.settings, objective.device
    dtype = getattr(torch, settings.precision)
    windows = WindowStream(dataset, settings.horizon, batch_size=settings.batch_size or _BATCH)
    total = settings.passes * len(windows)
    if state.stage != "stream":
        state.stage, state.stage_start = "stream", {}
        state.kept, state.first_moments, state.second_moments = dict(state.parameters), {}, {}
    moving = {
        name: torch.tensor(value, dtype=dtype, device=place, requires_grad=True)
        for name, value in state.parameters.items()
    }
    optimizer = torch.optim.Adam(moving.values(), lr=settings.learning_rate)
    for name, tensor in moving.items():
        if name in state.first_moments:
            optimizer.state[tensor] = {
                "step": torch.tensor(float(state.stream_step)),
                "exp_avg": torch.tensor(state.first_moments[name], device=place),
                "exp_avg_sq": torch.tensor(state.second_moments[name], device=place),
            }
    best = error = _loss(test, state.kept)
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
            value, loss = objective.on(batch, dtype)(moving)
            if not bool(torch.isfinite(value)):
                raise ConvergenceError(f"The loss became {value.item()} in minibatch {step}: lower learning_rate.")
            value.backward()
            optimizer.step()
            state.stream_step = step
            state.parameters = {name: on_numpy(tensor).copy() for name, tensor in moving.items()}
            moments = {name: optimizer.state[tensor] for name, tensor in moving.items() if optimizer.state[tensor]}
            state.first_moments = {name: on_numpy(entry["exp_avg"]).copy() for name, entry in moments.items()}
            state.second_moments = {name: on_numpy(entry["exp_avg_sq"]).copy() for name, entry in moments.items()}
            if step % look == 0 or step == total:
                error = _loss(test, state.parameters)
                if error < best:
                    best, state.kept = error, _in_float64(state.parameters)
            if report is not None:
                report(Progress("stream", step, total, value.item(), loss.item(), held_out=error), state)


def _final_steps(objective: Objective, test: Objective, state: FitState, report: FitReport | None) -> None:
    """Levenberg-Marquardt on a part of the sample; each step is kept that has the least error on ``test`` so far."""
    settings = objective.settings
    state.kept = state.parameters = dict(state.stage_start)
    at = tensors(state.kept, device=objective.device)
    size = sum(value.size for value in state.kept.values())
    with torch.no_grad():
        values = sum(objective.terms(at, torch.tensor([0], device=objective.device)).counts)  # in a window
    most = min(_VALUES_A_PARAMETER[1] * size, _FINAL_ENTRIES // size) // values
    count = min(len(objective.windows), most)
    if not settings.final_steps or size > MOST_PARAMETERS or count * values < _VALUES_A_PARAMETER[0] * size:
        return
    part = torch.linspace(0, len(objective.windows) - 1, count, device=objective.device).long()
    best = _loss(test, state.kept)

    def after(step: int, squares: float, arrays: dict[str, np.ndarray]) -> None:
        nonlocal best
        state.parameters = arrays
        error = _loss(test, arrays)
        if error < best:
            best, state.kept = error, arrays
        if report is not None:
            report(Progress("final", step, settings.final_steps, squares, squares, held_out=error), state)

    least_squares(
        lambda parameters: objective.residuals_of(objective.terms(parameters, part)),
        state.kept,
        settings=LeastSquaresSettings(
            steps=settings.final_steps, scaling=objective.scaling, chunk=max(1, _FINAL_CHUNK // count)
        ),
        report=after,
        device=objective.device,
    )


def _in_float64(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Copies of the arrays in float64."""
    return {name: np.array(value, np.float64) for name, value in parameters.items()}


def _loss(objective: Objective, parameters: Mapping[str, np.ndarray]) -> float:
    with torch.no_grad():
        loss = objective(tensors(parameters, device=objective.device))[1].item()
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
