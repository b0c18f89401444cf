"""A folder of results: JSON and figures, put in place at once or not at all."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hnn_gym.errors import ExistingPathError, InputError

RESULTS = "results.json"
_FORMAT = "hnn_gym.report"


@contextmanager
def report_folder(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; when the block ends well, it takes the place of ``out``.

    A report of ours that is there already is replaced; anything else is kept.

    Raises:
        ExistingPathError: ``out`` exists, is not a report of ours, and ``overwrite`` is False.
    """
    out = out.resolve()
    if out.exists() and not overwrite and not _is_report(out):
        raise ExistingPathError(f"{out} exists and is not a report of hnn_gym: give another --out, or --overwrite.")
    staged = out.with_name(f".{out.name}.partial")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        staged.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"No report can be made at {out}: {error}.") from None
    try:
        yield staged
        if out.is_dir():
            shutil.rmtree(out)
        elif out.exists():
            out.unlink()
        staged.rename(out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Write ``results.json``; numbers that are not finite become strings."""
    plain = _plain({"format": _FORMAT, **results})
    (folder / RESULTS).write_text(json.dumps(plain, indent=1, allow_nan=False) + "\n")


def write_gif(path: Path, panels: Mapping[str, Sequence[np.ndarray]], *, fps: int, size: int = 180) -> None:
    """Write several films side by side, each under its name.

    Args:
        path: the file.
        panels: name -> frames, each uint8 ``(height, width, 3)``; all of one length.
        fps: frames per second.
        size: edge of a panel in pixels.
    """
    label = 22
    font = ImageFont.load_default(size=14)
    frames = []
    for moment in zip(*panels.values(), strict=True):
        sheet = Image.new("RGB", (size * len(panels), size + label), "white")
        draw = ImageDraw.Draw(sheet)
        for i, (name, frame) in enumerate(zip(panels, moment, strict=True)):
            sheet.paste(Image.fromarray(frame).resize((size, size), Image.Resampling.BOX), (i * size, label))
            draw.text((i * size + size / 2, label / 2), name, fill="black", font=font, anchor="mm")
        frames.append(np.asarray(sheet.quantize(64).convert("RGB")))
    imageio.imwrite(path, np.stack(frames), duration=1000 / fps, loop=0)


def _is_report(folder: Path) -> bool:
    try:
        return json.loads((folder / RESULTS).read_text())["format"] == _FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
