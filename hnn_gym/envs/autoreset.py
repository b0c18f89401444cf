"""When ended copies of a batch begin again: Gymnasium's ``AutoresetMode``, which its release 1.0 does not have yet."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

__all__ = ["AutoresetMode"]

if TYPE_CHECKING:
    from gymnasium.vector import AutoresetMode
else:
    try:
        from gymnasium.vector import AutoresetMode
    except ImportError:

        class AutoresetMode(Enum):
            """The modes of later releases of Gymnasium."""

            NEXT_STEP = "NextStep"
            SAME_STEP = "SameStep"
            DISABLED = "Disabled"
