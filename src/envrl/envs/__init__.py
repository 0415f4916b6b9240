"""Environments and tasks. Importing it puts ``envrl/2048-v0`` and its kin into Gymnasium's registry.

Knows nothing of sandboxes or models.
"""

from envrl.envs.games import Ending, Games, InvalidAction
from envrl.envs.generic import EpisodeEnd, Success, generic_task
from envrl.envs.locations import load as load_environments
from envrl.envs.registration import register, wrap
from envrl.envs.registry import environment_ids, find_task, register_all, short_names
from envrl.envs.task import Example, Lent, Task

register_all()

__all__ = [
    "Ending",
    "EpisodeEnd",
    "Example",
    "Games",
    "InvalidAction",
    "Lent",
    "Success",
    "Task",
    "environment_ids",
    "find_task",
    "generic_task",
    "load_environments",
    "register",
    "short_names",
    "wrap",
]
