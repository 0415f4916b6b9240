"""Environments and tasks. Importing it puts ``envrl/2048-v0`` and its kin into Gymnasium's registry.

Knows nothing of sandboxes or models.
"""

from envrl.envs.games import Ending, Games, InvalidAction
from envrl.envs.registry import environment_ids, find_task, register_all
from envrl.envs.task import Example, Lent, Task

register_all()

__all__ = [
    "Ending",
    "Example",
    "Games",
    "InvalidAction",
    "Lent",
    "Task",
    "environment_ids",
    "find_task",
]
