"""The part of the page about the choices: how they were made, and their neighbours."""

from __future__ import annotations

from typing import NamedTuple

from experiments.sample_efficiency.choosing import Candidate, Progress, search
from experiments.sample_efficiency.contenders import Choice
from hnn_gym.studies import Results

TRUE_ERROR_KEY = "held-out error of the true dynamics"
"""The error by which settings are chosen, of the true dynamics, by noise."""
_CHOSEN = """First a row of decays is tried, then some widths. From the best of these the search tries all neighbours,
those with a tenth and ten times the decay and with half and twice the units, and goes to the best of them if it is
better by more than one per cent; otherwise it stops. The columns of the neighbours hold their errors as multiples of
the error of the choice. With noise the error contains that of the held-out observations themselves, which no settings
lower: that of the true dynamics is {floors}."""
_UNFINISHED = """

**In {unfinished} of the {choices} rows the search has not ended**, {exact} of them of exact recordings: neighbours were
not tried, so that the choice may lie at an end of what was tried, or one of them is better by more than one per cent, a
multiple below 0.99, and no cell has been measured with it yet. The tables may then show a contender at less than its
best."""


class _Chosen(NamedTuple):
    """A choice, and the held-out errors of all candidates that were tried for it."""

    noise: float
    steps: str
    name: str
    chosen: Candidate
    errors: dict[Candidate, float]


def what_was_chosen(results: Results) -> list[str]:
    """How settings were chosen, for how many choices the search has not ended, and the table of all, as Markdown."""
    errors = sorted((float(noise), error) for noise, error in results.below(f"{TRUE_ERROR_KEY}/").items())
    text = _CHOSEN.format(floors=", ".join(f"{error:.3g} at {noise:.0%}" for noise, error in errors))
    choices = _choices(results)
    unfinished = [one for one in choices if search(one.name, one.noise, one.errors) != Progress(one.chosen, [])]
    exact = sum(not one.noise for one in unfinished) or "none"
    if unfinished:
        text += _UNFINISHED.format(unfinished=len(unfinished), choices=len(choices), exact=exact)
    return [text, "", *_table(choices)]


def _table(choices: list[_Chosen]) -> list[str]:
    """The choices, and the held-out errors of their neighbours as multiples of their own."""
    beside = list(Candidate(0, 2).neighbours())
    lines = ["| noise | transitions | contender | decay | hidden units | held-out error | " + " | ".join(beside) + " |"]
    lines += ["|---" * (6 + len(beside)) + "|"]
    for noise, steps, name, chosen, errors in choices:
        ratios = [errors[one] / errors[chosen] if one in errors else None for one in chosen.neighbours().values()]
        choice = chosen.choice(noise)
        entries = [f"{noise:.0%}", steps, name, f"{choice.decay:.3g}", str(choice.hidden)]
        entries += [f"{errors[chosen]:.3g}", *("not tried" if one is None else f"{one:.3f}" for one in ratios)]
        lines.append("| " + " | ".join(entries) + " |")
    return lines


def _choices(results: Results) -> list[_Chosen]:
    """All choices, in the order of the table."""
    found = []
    for place, choice in results.below("choice/").items():
        noise, steps, name = place.split("/")
        tried = results.below(f"tuning/{place}/")
        errors = {Candidate(*map(int, key.split("/"))): error for key, error in tried.items()}
        found.append(_Chosen(float(noise), steps, name, Candidate.of(Choice(**choice), float(noise)), errors))
    return found
