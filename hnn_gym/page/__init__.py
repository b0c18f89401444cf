"""A world as one HTML file that runs in any browser, without a server and without a network.

The file holds the traced step of the world as JavaScript (:mod:`hnn_gym.trace.javascript_code`), so that there is no
second formula. ``python -m hnn_gym.page`` is the command.
"""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.page.write import world_page, write_page

__all__ = ["world_page", "write_page"]
__getattr__, __dir__ = lazy_exports(__name__)
