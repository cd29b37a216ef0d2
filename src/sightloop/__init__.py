"""sightloop: the closed loop for vision models, from labelled images to a served model and round again.

In Python it begins with `sightloop.open()`, a home folder and its projects.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightloop.home import Home, Project, open

__version__ = "0.1.0"
__all__ = ("Home", "Project", "__version__", "open")


def __getattr__(name: str) -> Any:
    """What `sightloop.home` has, when it is asked for: half of the package comes with it."""
    if name in ("Home", "Project", "open"):
        return getattr(import_module("sightloop.home"), name)
    raise AttributeError(f"module 'sightloop' has no attribute {name!r}")
