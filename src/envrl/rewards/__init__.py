"""Scorecards to rewards: named components, presets, and the scorer that computes them all from one sandbox pass."""

from envrl.rewards.custom import RewardFunction
from envrl.rewards.presets import PRESETS, Preset, find_preset
from envrl.rewards.scorer import Players, Scored, Scorer

__all__ = ["PRESETS", "Players", "Preset", "RewardFunction", "Scored", "Scorer", "find_preset"]
