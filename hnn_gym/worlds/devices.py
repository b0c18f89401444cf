"""Devices of tensors: the accepted values of ``device``, and the conversion of tensors back to NumPy.

Whatever takes ``device="cuda"`` asks here, before it does anything else. Worlds, policies and interrupted fits come
back on the CPU, so that nothing on disk knows where it was made.
"""

from __future__ import annotations

import numpy as np
import torch

from hnn_gym.errors import InputError

DEVICES = ("cpu", "cuda")
"""Kinds of device there may be tensors on."""
MOST_THREADS = 1024
"""More threads than most machines have cores. Much larger numbers torch refuses in words of its own."""


def checked_device(device: str | torch.device) -> torch.device:
    """Return the torch device called ``device``: "cpu", "cuda", or "cuda:1" for the second GPU.

    Raises:
        InputError: there is no such device on this machine, or it has no float64.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise InputError(f'device must be "cpu" or "cuda", got {device!r}.') from None
    if found.type not in DEVICES:
        why = ", which has no float64, the type of the physics here" if found.type == "mps" else ""
        raise InputError(f'device must be "cpu" or "cuda", got {device!r}{why}.')
    if found.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f'device={device!r} needs CUDA, and torch finds none here: use device="cpu", or leave it out.')
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(f'device={device!r}: there are only {torch.cuda.device_count()} here: use device="cuda".')
    return found


def on_numpy(tensor: torch.Tensor) -> np.ndarray:
    """The values of a tensor on any device, without its gradient; a view where it lies on the CPU."""
    values: np.ndarray = tensor.detach().cpu().numpy()
    return values
