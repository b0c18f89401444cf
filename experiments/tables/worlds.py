"""Tables of the prediction errors of worlds."""

from __future__ import annotations

import numpy as np

from experiments.pendulum import errors, worst_ratios
from experiments.tables.sources import card, measurements, power, report, table

_MODELS = {"mechanical": "mechanical HNN", "second-order": "second-order network", "baseline": "first-order network"}
_SYSTEMS = {
    "Pendulum": "Pendulum",
    "Spring": "spring",
    "IdealPendulum": "ideal pendulum",
    "TwoBody": "two bodies",
    "ThreeBody": "three bodies",
    "RealPendulum": "real pendulum, last fifth of the film",
}
_WAYS = ("plain", "compensated", "compensated, rounded at the turn", "lattice")


def one_step() -> str:
    """One-step errors on Pendulum-v1, every recording."""
    found = {kind: errors(measurements("pendulum"), kind) for kind in _MODELS}
    seeds = list(found["mechanical"])
    return table(
        ("model", f"recordings {seeds[0]} to {seeds[-1]}", "median", "worst"),
        [
            (
                name,
                ", ".join(map(power, found[kind].values())),
                power(float(np.median(list(found[kind].values())))),
                power(max(found[kind].values())),
            )
            for kind, name in _MODELS.items()
        ],
    )


def drift() -> str:
    """Variation of the true energy along unforced motions, against the real map."""
    starts = {"reset(seed=0..19)": "`reset(seed=0..19)`", "swings from rest": "rest, 0.01 to 1 rad from hanging"}
    rows = []
    for kind, name in starts.items():
        ratios = worst_ratios(measurements("pendulum"), kind)
        rows.append((name, *(f"{ratios[world]:.4f}" for world in ("HNNPendulum-v0", "BaselinePendulum-v0"))))
    return table(("20 starts", "`HNNPendulum-v0`", "`BaselinePendulum-v0`"), rows)


def shipped() -> str:
    """One-step errors of the shipped worlds, from their cards."""
    rows = []
    for system, name in _SYSTEMS.items():
        cards = [card(f"{kind}{system}-v0") for kind in ("HNN", "Baseline")]
        rows.append((name, f"{cards[0]['data']['steps']:,}", *(power(_held_out(found["figures"])) for found in cards)))
    energies = [
        card(f"{kind}RealPendulum-v0")["figures"]["energy_mse_on_the_last_fifth"] for kind in ("HNN", "Baseline")
    ]
    return table(("system", "transitions", "with H", "without physics"), rows) + _OF_THE_FILM.format(
        *map(power, energies)
    )


def _held_out(figures: dict[str, float]) -> float:
    (name,) = [name for name in figures if name.startswith("one_step") and not name.endswith("training_data")]
    return figures[name]


def reversibility() -> str:
    """Distances from the start after a million steps forward and as many back."""
    found = report("reversibility")
    worlds = [name for name in found if name.endswith("-v0")]
    rows = []
    for way in _WAYS:
        cells = []
        for name in worlds:
            errors = found[name][way]
            exact = not errors["bits_that_differ"]
            spread = f"{errors['median']:.1e} / {errors['worst']:.1e}"
            cells += ["0 / 0, no bit differs" if exact else spread, errors["within_the_bar"]]
        rows.append((way, *cells))
    return table(("", *(cell for name in worlds for cell in (f"`{name}`", "within"))), rows)


_OF_THE_FILM = """
The film's own noise is about 7e-3, so that one step of the real pendulum ranks nothing. Over an unforced prediction
of the whole last fifth, from its first frame, the mean square error of the paper's energy is {} with H and
{} without.
"""


TABLES = {"one-step": one_step, "drift": drift, "shipped": shipped, "reversibility": reversibility}
"""By name."""
