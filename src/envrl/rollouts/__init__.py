"""A strategy meets an environment: extraction, lockstep play, scorecards, and the processes that do it."""

from envrl.rollouts.contracts import CONTRACTS, Extracted, extract, fenced
from envrl.rollouts.player import Assignment, Player, profile_of
from envrl.rollouts.referee import Arena, LocalPlayers
from envrl.rollouts.runners import RUNNERS, Runner, open_arena
from envrl.rollouts.scorecard import Episode, Scorecard

__all__ = [
    "CONTRACTS",
    "RUNNERS",
    "Arena",
    "Assignment",
    "Episode",
    "Extracted",
    "LocalPlayers",
    "Player",
    "Runner",
    "Scorecard",
    "extract",
    "fenced",
    "open_arena",
    "profile_of",
]
