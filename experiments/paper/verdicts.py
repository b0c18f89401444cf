"""The bars and whether they are reached: the mean over seeds is compared with the bar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from experiments.paper import published
from hnn_gym.studies import Results


@dataclass(frozen=True)
class Verdict:
    """One bar.

    Attributes:
        what: the quantity.
        bar: the largest accepted value.
        values: measured, one a seed.
        note: a remark.
    """

    what: str
    bar: float
    values: tuple[float, ...]
    note: str = ""

    @property
    def word(self) -> str:
        """Whether mean and worst are within the bar."""
        if float(np.mean(self.values)) > self.bar:
            return "no"
        return "yes" if max(self.values) <= self.bar else "mean yes, worst no"


def verdicts(results: Results) -> list[Verdict]:
    """All bars for which there are measurements."""
    return [
        verdict
        for verdict in (*_energy(results), *_bodies(results), *_costs(results), *_pixels(results))
        if verdict.values
    ]


def _energy(results: Results) -> Iterator[Verdict]:
    for task, readme in published.README.items():
        entries = results.below(f"runs/{task}/hnn/").values()
        yield Verdict(
            f"{task}: faithful HNN, paper protocol, energy MSE within 2x of README",
            2 * readme["hnn"]["energy_mse"],
            tuple(entry["paper"]["energy_mse"] for entry in entries),
        )
    for task, bar in published.BARS.items():
        where = "paper" if task == "real-pendulum" else "inside"
        for model in ("best", "best+mirror"):
            entries = results.below(f"runs/{task}/{model}/").values()
            note, floor = "", f"floors/cramer-rao/{task}"
            if model == "best" and floor in results:
                f = results[floor]
                note = f"Cramer-Rao floor: mean {f['energy_mse_mean']:.1e}, median {f['energy_mse_median']:.1e}"
            yield Verdict(
                f"{task}: {model}, energy MSE", bar, tuple(entry[where]["energy_mse"] for entry in entries), note
            )


def _bodies(results: Results) -> Iterator[Verdict]:
    many = results.below("many-bodies/").values()
    note = f"truth with the same steps: {max(m['relative_energy_drift_of_truth'] for m in many):.1e}" if many else ""
    yield Verdict(
        "100 softened bodies, V learned on three, T = 1: relative drift of the true energy",
        published.DRIFT_BAR,
        tuple(entry["relative_energy_drift"] for entry in many),
        note,
    )
    for task in ("two-body", "three-body"):
        entries = [e["symmetries"] for e in results.below(f"runs/{task}/best/").values() if "symmetries" in e]
        for name in ("momentum", "angular_momentum"):
            yield Verdict(
                f"{task}, learned, 10^4 steps: relative drift of {name.replace('_', ' ')}",
                published.SYMMETRY_BAR,
                tuple(entry[name] for entry in entries),
            )


def _costs(results: Results) -> Iterator[Verdict]:
    drawn = tuple(e["data_cpu_seconds"] for key, e in results.below("costs/").items() if key == "two-body/best")
    yield Verdict("two-body data set, CPU s", published.DATA_BAR, drawn, "reference: 25 s")
    for key, entry in results.below("costs/").items():
        task, _, model = key.partition("/")
        seconds = entry["cpu_seconds_to_goal"]
        yield Verdict(
            f"{task}: {model}, CPU s to an energy MSE below {entry['goal']:.1e}",
            published.COST_BARS[task],
            () if seconds is None else (seconds,),
            f"reference: {published.RERUN[task]['hnn']['cpu_seconds']:.0f} s; whole fit {entry['cpu_seconds']:.1f} s",
        )


def _pixels(results: Results) -> Iterator[Verdict]:
    best = results.below("runs/pixels/best/").values()
    yield Verdict(
        "pixels: best, paper protocol, energy MSE",
        published.PIXEL_BAR,
        tuple(entry["paper"]["energy_mse"] for entry in best),
        _truth_on_films(results),
    )
    entries = results.below("runs/pixels/hnn/").values()
    yield Verdict(
        "pixels: faithful HNN, 10,000 steps of training, CPU s",
        published.PIXEL_TRAINING_BAR,
        tuple(entry["train_cpu_seconds"] for entry in entries),
        f"reference: {published.RERUN['pixels']['hnn']['cpu_seconds']:.0f} s",
    )
    yield Verdict(
        "pixels: recording 20,600 frames of 28 x 28, one process, CPU s",
        published.PIXEL_RECORDING_BAR,
        tuple(entry["data_cpu_seconds"] for entry in entries),
        "reference: 101 s",
    )


def _truth_on_films(results: Results) -> str:
    floors = results.below("floors/pixels/").values()
    if not floors:
        return ""
    exact, two = (np.mean([f[start]["paper"]["energy_mse"] for f in floors]) for start in ("exact", "two_frames"))
    return f"the truth itself: {exact:.1e}, started from two frames: {two:.1e}"
