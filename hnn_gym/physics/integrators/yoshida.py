"""Yoshida's compositions of leapfrog: orders 4, 6 and 8 with 3, 7 and 15 stages.

Source: Yoshida, *Phys. Lett. A* 150 (1990) 262-268: eq. 4.4, table 1 solution A, table 2 solution D.
"""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.physics.integrators.composition import Composition, palindrome


@dataclass(frozen=True)
class Yoshida4(Composition):
    """Order 4, 3 stages."""

    order = 4
    weights = palindrome(1 / (2 - 2 ** (1 / 3)))


@dataclass(frozen=True)
class Yoshida6(Composition):
    """Order 6, 7 stages."""

    order = 6
    weights = palindrome(0.784513610477560, 0.235573213359357, -1.17767998417887)


@dataclass(frozen=True)
class Yoshida8(Composition):
    """Order 8, 15 stages."""

    order = 8
    weights = palindrome(
        0.914844246229740,
        0.253693336566229,
        -1.44485223686048,
        -0.158240635368243,
        1.93813913762276,
        -1.96061023297549,
        0.102799849391985,
    )
