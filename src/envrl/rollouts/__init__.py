"""A strategy meets an environment: extraction, lockstep play, scorecards, and the processes that do it."""

from envrl.rollouts.contracts import CONTRACTS, Extracted, extract, fenced
from envrl.rollouts.player import Assignment, Player, profile_of
from envrl.rollouts.referee import Arena, LocalPlayers
from envrl.rollouts.scorecard import Episode, Scorecard

__all__ = [
    "CONTRACTS",
    "Arena",
    "Assignment",
    "Episode",
    "Extracted",
    "LocalPlayers",
    "Player",
    "Scorecard",
    "extract",
    "fenced",
    "profile_of",
]
