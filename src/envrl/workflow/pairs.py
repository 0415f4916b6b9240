"""What ``envrl pairs`` does: scored completions of one prompt become preference pairs, or rows with a label."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from envrl.data import Candidate, Chosen, PairRules, choose_kto, choose_pairs
from envrl.data.chat_templates import APPLIED_MARKS
from envrl.data.files import ABOUT
from envrl.data.significance import TEST, fewest_seeds
from envrl.errors import ConfigError, RunError
from envrl.outcomes import Outcome
from envrl.rollouts import Arena
from envrl.runs import write_atomic, write_json
from envrl.sandbox import LEAST
from envrl.workflow.pair_subjects import PairSubject, Sampled, play_again, score_of
from envrl.workflow.watching import Silent, Watcher

__all__ = ["By", "Pairs", "make_pairs", "write_pairs"]

By = Literal["success", "score", "progress"]


@dataclass(frozen=True)
class Pairs:
    """Rows for a preference stage, and where they come from.

    Attributes:
        subject: what they were made of.
        kto: whether they are KTO rows; otherwise pairs.
        by: what was compared.
        rules: which pairs were wanted.
        completions: how many there were.
        usable: how many could stand in a row.
        seeds: that each of them played, the fewest.
        rows: with ``prompt``, ``chosen`` and ``rejected`` (``completion`` and ``label``), and columns that say why.
        left_out: completions that were left out, by reason.
        pairs_left_out: possible pairs that were left out, by reason.
    """

    subject: PairSubject
    kto: bool
    by: By
    rules: PairRules
    completions: int
    usable: int
    seeds: int
    rows: list[dict[str, Any]] = field(repr=False)
    left_out: Counter[str]
    pairs_left_out: Counter[str]


def make_pairs(
    subject: PairSubject,
    rules: PairRules | None = None,
    *,
    kto: bool = False,
    threshold: float = 0.2,
    by: By = "success",
    episodes: int | None = None,
    workers: int | None = None,
    require: Sequence[str] = LEAST,
    watcher: Watcher | None = None,
) -> Pairs:
    """Chooses pairs among the completions of a subject.

    Args:
        rules: margin, confidence and limits.
        kto: rows with a label in place of pairs.
        threshold: of KTO: desirable from this mean on; ``rules.margin`` below it and less is undesirable.
        by: what is compared: share of seeds won, the environment's own score, or progress.
        episodes: plays every completion again on so many seeds, the same for all; None takes what was played.
        workers: referee processes; None for one a core.
        require: sandbox layers without which nothing is played.
        watcher: told how the work goes.

    Raises:
        ConfigError: completions that were not played, and nobody says what they play.
        RunError: no pair is left; the message says why.
    """
    rules = rules or PairRules()
    watcher = watcher or Silent()
    if not subject.sampled:
        raise RunError(f"{subject.name}: holds no completions")
    if episodes is not None:
        if subject.task is None:
            raise ConfigError(f"{subject.name}: to play these completions, name their environment with --env")
        with Arena(subject.task, workers=workers, require=require) as arena:
            subject = play_again(subject, arena, episodes, watcher)
    elif all(one.card is None for one in subject.sampled):
        raise ConfigError(f"{subject.name}: these completions were not played; say how often with --episodes 16")
    candidates = [_candidate(one, by) for one in subject.sampled]
    played = [len(candidate.seeds) for candidate in candidates if not candidate.unfit]
    chosen = choose_kto(candidates, threshold, rules.margin, rules) if kto else choose_pairs(candidates, rules)
    made = Pairs(
        subject=subject,
        kto=kto,
        by=by,
        rules=rules,
        completions=len(candidates),
        usable=len(candidates) - chosen.completions.total(),
        seeds=min(played, default=0),
        rows=chosen.rows,
        left_out=chosen.completions,
        pairs_left_out=chosen.pairs,
    )
    if not chosen.rows or (kto and len({row["label"] for row in chosen.rows}) < 2):
        raise RunError(_nothing(made, chosen))
    return made


def _candidate(one: Sampled, by: By) -> Candidate:
    card = one.card
    unfit, spoiled = "", False
    if card is None:
        unfit = "not played"
    elif card.infrastructure_error:
        unfit = "not measured (an error of envrl's own)"
    elif one.clipped:
        unfit, spoiled = "cut off at the limit of its length", True
    elif card.outcome is not None:
        unfit, spoiled = str(card.outcome), True
    elif any(episode.outcome is Outcome.VIOLATION for episode in card.episodes):
        unfit, spoiled = str(Outcome.VIOLATION), True
    elif any(mark in one.completion for mark in APPLIED_MARKS):
        # Between the tokens of its template this text would read as another turn.
        unfit = "holds marks of a chat template"
    if card is None or unfit:
        return Candidate(one.prompt, one.completion, unfit=unfit, spoiled=spoiled and bool(one.completion.strip()))
    return Candidate(
        prompt=one.prompt,
        completion=one.completion,
        seeds=tuple(episode.index for episode in card.episodes),
        values=score_of(card, by),
        success=card.success,
        program=card.program_hash,
    )


def _nothing(made: Pairs, chosen: Chosen) -> str:
    what = "rows of both labels" if made.kto else "pairs"
    reasons = [f"{count} completions: {reason}" for reason, count in made.left_out.most_common(3)]
    reasons += [f"{count} pairs: {reason}" for reason, count in made.pairs_left_out.most_common(3)]
    text = f"{made.subject.name}: no {what} can be made of {made.completions} completions ({'; '.join(reasons)})"
    need = fewest_seeds(made.rules.confidence)
    if not made.kto and made.seeds < need:
        return (
            f"{text}; {made.seeds} common seeds can never be {made.rules.confidence:.0%} sure, which takes {need}: "
            "play them on more seeds with --episodes 16, or lower --confidence"
        )
    return f"{text}; lower --margin or --confidence, or give more completions"


def write_pairs(made: Pairs, output: Path, *, replace: bool = False) -> None:
    """Writes the rows as JSON lines, and beside them what they were made of.

    Raises:
        RunError: the file exists and may not be replaced, or cannot be written.
    """
    if output.exists() and not replace:
        raise RunError(f"{output}: exists already; choose another --output, or allow it with --replace")
    if not output.parent.is_dir():
        raise RunError(f"{output}: its folder does not exist")
    content = b"".join(msgspec.json.encode(row) + b"\n" for row in made.rows)
    write_atomic(output, content)
    task = made.subject.task
    write_json(
        output.with_name(output.stem + ABOUT),
        {
            "rows": len(made.rows),
            "rows_sha256": hashlib.sha256(content).hexdigest(),
            "kind": "kto" if made.kto else "pairs",
            "subject": made.subject.name,
            "task": task.id if task else None,
            "task_version": task.version if task else None,
            "contract": made.subject.contract,
            "prompts": sorted({one.prompt for one in made.subject.sampled}),
            "compared": made.by,
            "test": None if made.kto else TEST,
            "rules": {name: getattr(made.rules, name) for name in PairRules.__slots__},
            "completions": made.completions,
            "usable": made.usable,
            "seeds": made.seeds,
            "completions_left_out": dict(made.left_out),
            "pairs_left_out": dict(made.pairs_left_out),
        },
    )
