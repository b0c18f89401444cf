"""A folder of results (numbers, tables, a film) that is put in place atomically.

An existing folder is replaced only if it is a report of this package with nothing else in it: ``results.json`` names
the format and every file that the report wrote.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from hnn_gym.data.json_values import plain
from hnn_gym.errors import ExistingPathError, InputError, checked_arguments
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.reading import read_json
from hnn_gym.files.single_file import write_file
from hnn_gym.files.storage import check_replaceable, reason_and_remedy, resolved_path, storage_errors
from hnn_gym.files.whole_folder import put_back, put_in_place, remove, staged

RESULTS = "results.json"
_FORMAT = "hnn_gym.report"
_SAME_COLOUR, _FRAMES_FOR_COLOURS = 8, 12


@checked_arguments
@contextmanager
def report_folder(out: Path, *, overwrite: bool = False, reads: Sequence[str | Path] = ()) -> Iterator[Path]:
    """Yield an empty folder to fill; when the block ends without an error, it takes the place of ``out``.

    An existing report of this package is replaced if it holds nothing else; anything else is kept.

    Args:
        out: the folder.
        overwrite: replace it, whatever it is.
        reads: paths, or ids, that the report is made of, and which it must not replace.

    Raises:
        ExistingPathError: ``out`` exists and must be kept, and ``overwrite`` is False.
        InputError: no folder can be made there, the current folder or what is read is in it, or another process writes
            it.
    """
    out = resolved_path(out)
    with storage_errors(out):
        check_replaceable(out)
        if Path.cwd().is_relative_to(out):
            raise InputError(f"{out} cannot become a report, the current folder is in it: give another --out.")
        for read in reads:
            if resolved_path(read).exists() and resolved_path(read).is_relative_to(out):
                raise InputError(f"{out} cannot become a report, {read} is in it and is read: give another --out.")
    lock = PathLock(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(wait=False)
        put_back(out)
        reason = _reason_to_keep(out)
        if reason is not None and not overwrite:
            raise ExistingPathError(f"{out} {reason}: give another --out, or --overwrite.")
        staged(out).mkdir(parents=True)
    except BaseException as error:
        lock.release()
        if isinstance(error, OSError) and not isinstance(error, InputError):
            raise InputError(f"No report can be made at {out}: {reason_and_remedy(error)}.") from None
        raise
    try:
        yield staged(out)
        put_in_place(out)
    finally:
        remove(staged(out))
        lock.release()


@checked_arguments
def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Write ``results.json``, as the last file of a report; numbers that are not finite become strings."""
    content = plain({"format": _FORMAT, **results, "files": sorted({*_files(Path(folder)), RESULTS})})
    (Path(folder) / RESULTS).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


@checked_arguments
def markdown_table(columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """Return rows of cells, by their label, as a Markdown table; the first column is the labels."""
    lines = [["", *columns], ["---", *("---:" for _ in columns)], *([label, *cells] for label, cells in rows.items())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


@checked_arguments
def write_gif(
    path: Path,
    panels: Mapping[str, Sequence[np.ndarray]],
    *,
    fps: float,
    size: int = 180,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write several films side by side, each under its name.

    Args:
        path: the file.
        panels: name -> frames, each uint8 ``(height, width, 3)``; all of one length, and at least one.
        fps: frames per second.
        size: edge of a panel in pixels, in which a frame keeps its proportions.
        notes: name -> a line below each frame; None: there are none.
    """
    label = 22
    height = label + size + (label if notes else 0)
    font = ImageFont.load_default(size=14)
    sheets = []
    for k, moment in enumerate(zip(*panels.values(), strict=True)):
        sheet = Image.new("RGB", (size * len(panels), height), "white")
        draw = ImageDraw.Draw(sheet)
        for i, (name, frame) in enumerate(zip(panels, moment, strict=True)):
            middle = i * size + size / 2
            picture = ImageOps.contain(Image.fromarray(frame), (size, size), Image.Resampling.LANCZOS)
            sheet.paste(picture, (i * size + (size - picture.width) // 2, label + (size - picture.height) // 2))
            draw.text((middle, label / 2), name, fill="black", font=font, anchor="mm")
            if notes:
                draw.text((middle, height - label / 2), notes[name][k], fill="#444444", font=font, anchor="mm")
        sheets.append(np.asarray(sheet))
    save_gif(path, sheets, fps=fps)


@checked_arguments
def save_gif(path: Path, frames: Iterable[np.ndarray], *, fps: float) -> None:
    """Write uint8 frames ``(height, width, 3)`` as a film in an endless loop.

    All frames share 64 colours, chosen from some of them, so that parts that do not move take no space. The colour in
    the corner, most often white, is kept, and colours close to it are replaced by it.
    """
    pictures = list(frames)
    some = pictures[:: max(1, len(pictures) // _FRAMES_FOR_COLOURS)]
    colours = Image.fromarray(np.concatenate(some)).quantize(64, dither=Image.Dither.NONE)
    palette = np.array(colours.getpalette()).reshape(-1, 3)
    corner = pictures[0][0, 0]
    palette[np.abs(palette - corner).max(axis=-1) < _SAME_COLOUR] = corner
    colours.putpalette(palette.ravel().tolist())
    first, *others = (Image.fromarray(p).quantize(palette=colours, dither=Image.Dither.NONE) for p in pictures)
    film = io.BytesIO()
    first.save(film, format="GIF", save_all=True, append_images=others, duration=1000 / fps, loop=0)
    write_file(path, film.getvalue())


def _reason_to_keep(out: Path) -> str | None:
    """The reason why ``out`` must not be replaced without --overwrite; None if it may be."""
    if not out.exists():
        return None
    try:
        results = read_json(out / RESULTS)
        if results["format"] != _FORMAT:
            raise ValueError(results["format"])
        written = set(results["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return "exists and is not a report of hnn_gym"
    # Hidden files are what file managers and notebooks leave behind wherever someone looks.
    others = [name for name in _files(out) if name not in written and "/." not in f"/{name}"]
    return f"holds {others[0]}, which the report there did not write" if others else None


def _files(folder: Path) -> list[str]:
    """Paths of all files below ``folder``, relative to it, in order."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
