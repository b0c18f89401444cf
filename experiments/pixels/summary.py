"""Summary of the measurements: a table of all models, mean and worst of the recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.pixels.worlds import MODELS
from hnn_gym.evaluation.report import markdown_table
from hnn_gym.studies import Results

_Row = tuple[str, str, Callable[[Mapping[str, Any]], float], bool, str]
"""Label, group of the results, function that selects a number, whether more is better, and its format."""


def _rows(context: int, horizon: int) -> list[_Row]:
    frames = f"{context + 1} frames"
    far = f"{horizon} steps"

    def forecast(label: str, take: Callable[[Mapping[str, Any]], float], better: bool, written: str) -> _Row:
        return label, "forecasts", lambda measured: take(measured[frames]), better, written

    return [
        ("training, CPU s", "learning", lambda measured: measured["cpu_seconds"], False, ".0f"),
        ("angle of one frame, RMS error (rad)", "encoding", lambda measured: measured["rms_rad"], False, ".4f"),
        forecast(f"VPT from {frames}, median of the motions", lambda measured: measured["vpt_median"], True, ".0f"),
        forecast("the same, worst motion forward", lambda measured: measured["vpt_forward"]["worst"], True, ".0f"),
        forecast("the same, worst motion backward", lambda measured: measured["vpt_backward"]["worst"], True, ".0f"),
        (
            "VPT from two frames, median",
            "forecasts",
            lambda measured: measured["two frames"]["vpt_median"],
            True,
            ".1f",
        ),
        forecast(
            f"angle error after {horizon:,} steps, median (rad)",
            lambda measured: measured["angle_error_rad_median"][str(horizon)],
            False,
            ".3f",
        ),
        forecast("true energy from the angles, band / 10 J, median", _band("by_angle_median"), False, ".2%"),
        forecast("the same, worst motion", _band("by_angle_worst"), False, ".2%"),
        forecast("true energy from the states, band / 10 J, median", _band("by_velocity_median"), False, ".1%"),
        *(
            (f"SyMetric over {steps}: share of groups", "symetric", _faithful(steps), True, ".0%")
            for steps in ("60 steps", far)
        ),
        *((f"R^2 over {steps}, median", "symetric", _group(steps, "rsq"), True, ".3f") for steps in ("60 steps", far)),
        *((f"Sym over {steps}, median", "symetric", _group(steps, "sym"), False, ".1e") for steps in ("60 steps", far)),
        *(
            (f"{joules} asked: {label}, mean error (J)", "bump", _bump(joules, name), False, ".3f")
            for joules in ("+1 J", "-1 J")
            for label, name in (
                ("learned H", "learned_H"),
                ("true energy, state", "true_energy_of_the_state"),
                ("true energy, frames", "true_energy_of_the_frames"),
                ("the same of the true map", "true_energy_of_the_true_map"),
                ("frames against true map", "frames_against_the_true_map"),
            )
        ),
        *(
            (
                f"real return from frames, {agent}",
                agent,
                lambda measured: measured["real_from_frames"]["mean"],
                True,
                ".1f",
            )
            for agent in ("plan", "sac")
        ),
        *(
            (
                f"the same, worst start, {agent}",
                agent,
                lambda measured: measured["real_from_frames"]["worst"],
                True,
                ".1f",
            )
            for agent in ("plan", "sac")
        ),
    ]


def table(results: Results, groups: Sequence[str] | None = None) -> str:
    """Mean / worst of the recordings, and their number, as Markdown, without rows that were not measured.

    Args:
        results: the measurements.
        groups: of the results, such as "forecasts"; None: all.
    """
    settings = results["settings"]
    names = list(MODELS)
    cells: dict[str, list[str]] = {}
    for label, group, take, better, written in _rows(settings["context"], settings["horizon"]):
        if groups is not None and group not in groups:
            continue
        row = []
        for name in names:
            found = [
                take(measured)
                for key, measured in results.below(f"{group}/").items()
                if key.endswith(f"/{name}") and _has(take, measured)
            ]
            worst = min if better else max
            row.append(f"{np.mean(found):{written}} / {worst(found):{written}} ({len(found)})" if found else "-")
        if any(cell != "-" for cell in row):
            cells[label] = row
    return markdown_table([f"{name}, mean / worst (recordings)" for name in names], cells)


def _has(take: Callable[[Mapping[str, Any]], float], measured: Mapping[str, Any]) -> bool:
    try:
        take(measured)
    except KeyError:
        return False
    return True


def _band(name: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda measured: float(measured["energy_band"][name])


def _faithful(steps: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda measured: measured[steps]["faithful"] / measured[steps]["groups"]


def _group(steps: str, name: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda measured: float(measured[steps][name]["median"])


def _bump(joules: str, name: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda measured: float(measured[joules][name]["mean_error_J"])
