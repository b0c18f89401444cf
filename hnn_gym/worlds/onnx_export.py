"""A world as an ONNX file: one step of any time, for a batch of states."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, split
from hnn_gym.trace import NotTraceable, trace
from hnn_gym.trace.onnx_graph import model

if TYPE_CHECKING:
    from hnn_gym.worlds.world_model import WorldModel


def export_onnx(world: WorldModel, path: str | os.PathLike[str], *, dtype: str = "float64") -> None:
    """See :meth:`hnn_gym.WorldModel.export_onnx`."""
    n, m = world.coordinates.n, len(world.coordinates.controls)

    def step(state: Array, action: Array | None, dt: Array) -> Mapping[str, Array]:
        x = world.step(world.phase_point(*split(state)), action, duration=dt[..., 0])
        q, v = world.state(x)
        outputs = {"next_state": np.concatenate([q, v], axis=-1), "observation": world.coordinates.observation(q, v)}
        return outputs | ({"energy": world.energy(x)} if world.has_energy else {})

    try:
        if m:
            program = trace(step, state=2 * n, action=m, dt=1)
        else:
            program = trace(lambda state, dt: step(state, None, dt), state=2 * n, dt=1)
    except NotTraceable as error:
        raise InputError(f"ONNX needs the step as a program, and it cannot be traced: {error}.") from None
    words = f"One step of a world: state = [q, dq/dt], action, dt in s (trained at {world.dt:g}) -> next_state, ..."
    content = model(program, dtype=dtype, words=words).SerializeToString()
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"The ONNX file cannot be written to {path}: {error}.") from None
