"""Any Gymnasium environment as a task."""

from envrl.envs.generic.success import EpisodeEnd, Success, parse_success
from envrl.envs.generic.task import generic_task

__all__ = ["EpisodeEnd", "Success", "generic_task", "parse_success"]
