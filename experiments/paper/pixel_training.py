"""How the paper trains on pixels: the sum of three losses, float32, Adam at 1e-3, weight decay 1e-5, batches of 200.

With z = E(x) of a pair of frames, and z' that of the pair one frame later,

L = mean (x - D(z))^2 + mean (z_p - (z_q' - z_q))^2 + 0.1 mean (z' - z - f(z))^2:

reconstruction, the canonical-coordinate loss, which makes z_p the change of z_q, and the dynamics by an Euler step of
one frame.

Two things are done differently, and change numbers only by rounding. The gradient of H is written in closed form. And
pixels that are 0 in every training frame do not enter the encoder: their weights would multiply 0, and weight decay
alone, from which Adam makes steps of full size, would bring them to 0 within a hundred steps. They are set to 0 in the
end.
"""

from __future__ import annotations

import numpy as np
import torch

from experiments.paper.pixel_data import Film
from experiments.paper.pixel_model import Kind, PaperPixelModel, build, initial_arrays
from experiments.paper.tasks import Protocol
from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.phase import Array, split

PROTOCOL = Protocol(steps=10_000, batch=200, decay=1e-5)
_LEARNING_RATE = 1e-3
_DYNAMICS_WEIGHT = 0.1


def train_pixels(kind: Kind, film: Film, *, protocol: Protocol, seed: int) -> dict[str, np.ndarray]:
    """Train on a film; returns float32 arrays for :func:`~experiments.paper.pixel_model.build`.

    Raises:
        ConvergenceError: the loss became NaN or infinite.
    """
    trials, length, pixels = film.frames.shape
    arrays = initial_arrays(kind, inputs=2 * pixels, seed=seed)
    lit = film.frames.any(axis=(0, 1))
    entering = np.tile(lit, 2)
    parameters = arrays | {"encoder.w0": np.ascontiguousarray(arrays["encoder.w0"][:, entering])}
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in parameters.items()}
    optimizer = torch.optim.Adam(tensors.values(), lr=_LEARNING_RATE, weight_decay=protocol.decay, fused=True)
    flat = torch.tensor(film.frames.reshape(-1, pixels))
    seen = flat[:, torch.tensor(lit)].contiguous()
    first = (np.arange(trials)[:, None] * length + np.arange(length - 2)).ravel()
    rng = np.random.default_rng([seed, 3])
    size = min(protocol.batch or len(first), len(first))
    for _ in range(protocol.steps):
        rows = torch.tensor(first[rng.choice(len(first), size, replace=False, shuffle=False)])
        entered = _consecutive(seen, rows, 3)
        width = 2 * seen.shape[1]
        world = build(kind, tensors)
        # Both pairs in one pass; the older frame of the later pair is the newer one of the earlier pair.
        z, z_next = world.encode(torch.cat([entered[:, :width], entered[:, -width:]])).chunk(2)
        pair = _consecutive(flat, rows, 2)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(world.decode(z), pair) + _latent_loss(world, z, z_next)
        loss.backward()
        optimizer.step()
    if not bool(torch.isfinite(loss)):
        raise ConvergenceError(f"The loss of {kind} on pixels became {float(loss)} within {protocol.steps} steps.")
    trained = {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}
    whole = np.zeros_like(arrays["encoder.w0"])
    whole[:, entering] = trained["encoder.w0"]
    return trained | {"encoder.w0": whole}


def pixel_loss(world: PaperPixelModel, film: Film) -> float:
    """L over all of a film: the paper's train and test loss."""
    pairs = film.pairs.astype(world.encode.weights[0].dtype)
    z = world.encode(pairs)
    reconstruction = np.mean((world.decode(z[:, :-1]) - pairs[:, :-1]) ** 2)
    return float(reconstruction + _latent_loss(world, z[:, :-1], z[:, 1:]))


def _latent_loss(world: PaperPixelModel, z: Array, z_next: Array) -> Array:
    q, p = split(z)
    q_next, _ = split(z_next)
    canonical = ((p - (q_next - q)) ** 2).mean()
    return canonical + _DYNAMICS_WEIGHT * ((z_next - z - world.dynamics.field(z)) ** 2).mean()


def _consecutive(frames: torch.Tensor, rows: torch.Tensor, count: int) -> torch.Tensor:
    """Frames ``(N, pixels)`` of the given rows and of those that follow, side by side: ``(rows, count pixels)``."""
    length, pixels = frames.shape
    return frames.as_strided((length - count + 1, count * pixels), (pixels, 1))[rows]
