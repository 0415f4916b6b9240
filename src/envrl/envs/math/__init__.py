"""Math: problems made from templates, solved by programs or answered in tags, judged exactly."""

from envrl.envs.math.env import MathProgramEnv
from envrl.envs.math.families import FAMILIES, find_families
from envrl.envs.math.family import Family, Instance

__all__ = ["FAMILIES", "Family", "Instance", "MathProgramEnv", "find_families"]
