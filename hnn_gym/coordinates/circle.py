"""Angles that are observed as cosine and sine lie on a circle: cos^2 + sin^2 = 1, up to the noise of the sensor."""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates.declaration import Coordinates
from hnn_gym.errors import InputError

_FAR = 0.1
_TIMES_THE_USUAL = 20.0
"""Noise with a normal distribution goes to 13 standard deviations within this many of its median deviations."""
_MEDIAN = 0.5


def require_circles(observation: np.ndarray, coordinates: Coordinates) -> None:
    """Refuse observations whose cosines and sines are not those of an angle.

    With r^2 = cos^2 + sin^2, a row is refused where abs(r - 1) is above 0.1 and 20 times its median, and all rows are
    refused where this median is above 0.5. Entries that are NaN are not looked at.

    Args:
        observation: rows ``(..., observation_size)``.
        coordinates: what they are.

    Raises:
        InputError: a pair of entries is not the cosine and the sine of an angle; the message has its values.
    """
    rows = observation.reshape(-1, observation.shape[-1])
    for degree in coordinates.degrees:
        if degree.cos is None or degree.sin is None:
            continue
        away = np.abs(np.hypot(rows[:, degree.cos], rows[:, degree.sin]) - 1)
        if np.isnan(away).all():
            continue
        usual, worst = float(np.nanmedian(away)), int(np.nanargmax(away))
        if usual > _MEDIAN or away[worst] > max(_FAR, _TIMES_THE_USUAL * usual):
            cos, sin = (float(rows[worst, entry]) for entry in (degree.cos, degree.sin))
            raise InputError(
                f"Entries {degree.cos} and {degree.sin} of an observation are the cosine and the sine of an angle, and "
                f"one observation has {cos:.6g} and {sin:.6g} there: leave its episode out with select(), or declare "
                "other coordinates."
            )
