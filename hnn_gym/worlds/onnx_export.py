"""One step of any time as an ONNX file, for a batch of states."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from hnn_gym.errors import InputError
from hnn_gym.files.single_file import write_file
from hnn_gym.physics.phase import Array
from hnn_gym.trace import NotTraceable, trace
from hnn_gym.trace.onnx_graph import model


def write_step(
    step: Callable[..., Mapping[str, Array]],
    sizes: Mapping[str, int],
    path: str | os.PathLike[str],
    *,
    dtype: str,
    words: str,
) -> None:
    """Write a function of vectors as an ONNX file whose batch axis is free.

    Args:
        step: takes arrays ``(batch, size)``, in the order of ``sizes``, and returns arrays by name.
        sizes: the names and sizes of its arguments.
        path: the file; an existing one is replaced.
        dtype: "float64" or "float32".
        words: what the file says of itself.

    Raises:
        InputError: the package ``onnx`` is not installed, the function cannot be traced or has an operation that ONNX
            lacks, or the file cannot be written.
    """
    try:
        program = trace(step, **sizes)
    except NotTraceable as error:
        raise InputError(f"ONNX needs the step as a program, and it cannot be traced: {error}.") from None
    write_file(path, model(program, dtype=dtype, words=words).SerializeToString())
