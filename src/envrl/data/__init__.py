"""Data sets and preference pairs in TRL's shapes, from theirs and from play."""

from __future__ import annotations

from envrl.data.chat_templates import set_template, template_names, template_problems
from envrl.data.from_play import Candidate, Chosen, PairRules, choose_kto, choose_pairs
from envrl.data.load import Dropped, DroppedRow, Rows, Stream, load_rows
from envrl.data.stages import STAGES, Stage

__all__ = [
    "STAGES",
    "Candidate",
    "Chosen",
    "Dropped",
    "DroppedRow",
    "PairRules",
    "Rows",
    "Stage",
    "Stream",
    "choose_kto",
    "choose_pairs",
    "load_rows",
    "set_template",
    "template_names",
    "template_problems",
]
