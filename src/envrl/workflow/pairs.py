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
from envrl.data.files import ABOUT, PLAYED
from envrl.data.significance import TEST, fewest_seeds
from envrl.errors import ConfigError, RunError
from envrl.outcomes import Outcome
from envrl.rollouts import open_arena
from envrl.runs import write_atomic, write_json
from envrl.workflow.pair_subjects import PairSubject, Sampled, honest, play_again, score_of
from envrl.workflow.watching import Silent, Watcher

__all__ = ["By", "Pairs", "check_output", "completions_beside", "make_pairs", "write_pairs"]

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
        unknown: how many of those may have been cut off at the limit of their length: nobody knows.
        seeds: that each of them played, the fewest.
        floor: what a game that broke counts as; None where games won are compared, or all broke.
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
    unknown: int
    seeds: int
    floor: float | None
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
    require: Sequence[str] = (),
    keep: Path | None = None,
    watcher: Watcher | None = None,
) -> Pairs:
    """Chooses pairs among the completions of a subject.

    Args:
        rules: margin, confidence and limits.
        kto: rows with a label in place of pairs.
        threshold: of KTO: desirable from this mean on; ``rules.margin`` below it and less is undesirable.
        by: what is compared: share of seeds won, the environment's own score, or progress.
        episodes: plays every completion again on so many seeds, the same for all; None takes what was played.
        workers: referee processes; None for as many as the subject's configuration says.
        require: sandbox layers without which nothing is played, beside those of the subject.
        keep: file that gets the completions as they were played again, so that other rules can choose among them.
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
        sandbox = subject.sandbox
        with open_arena(
            subject.task,
            runner=sandbox.runner,
            workers=workers or sandbox.workers,
            limits=sandbox.limits.over(subject.task.limits),
            require=tuple(dict.fromkeys((*sandbox.require, *require))),
            ray_address=sandbox.ray_address,
        ) as arena:
            subject = play_again(subject, arena, episodes, watcher)
        if keep is not None:
            write_atomic(keep, b"".join(msgspec.json.encode(one) + b"\n" for one in subject.sampled))
    elif all(one.card is None for one in subject.sampled):
        raise ConfigError(f"{subject.name}: these completions were not played; say how often with --episodes 16")
    floor = _floor(subject.sampled, by, rules.margin)
    candidates = [_candidate(one, by, floor) for one in subject.sampled]
    played = [len(candidate.seeds) for candidate in candidates if not candidate.unfit]
    chosen = choose_kto(candidates, threshold, rules.margin, rules) if kto else choose_pairs(candidates, rules)
    made = Pairs(
        subject=subject,
        kto=kto,
        by=by,
        rules=rules,
        completions=len(candidates),
        usable=len(candidates) - chosen.completions.total(),
        unknown=sum(not c.unfit and one.clipped is None for c, one in zip(candidates, subject.sampled, strict=True)),
        seeds=min(played, default=0),
        floor=floor,
        rows=chosen.rows,
        left_out=chosen.completions,
        pairs_left_out=chosen.pairs,
    )
    if not chosen.rows or (kto and len({row["label"] for row in chosen.rows}) < 2):
        raise RunError(_nothing(made, chosen))
    return made


def _floor(sampled: Sequence[Sampled], by: By, margin: float) -> float | None:
    """What a game that broke counts as: less than the worst that was played to its end, by the margin.

    The score it stood at says nothing: where returns are negative, the program that breaks first would be the best.
    """
    if by == "success":
        return None
    episodes = (episode for one in sampled if one.card is not None for episode in one.card.episodes)
    worst = min((score_of(episode, by) for episode in episodes if honest(episode)), default=None)
    return None if worst is None else worst - margin


def _candidate(one: Sampled, by: By, floor: float | None) -> Candidate:
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
        values=tuple(score_of(e, by) if by == "success" or honest(e) else floor or 0.0 for e in card.episodes),
        success=card.success,
        program=card.program_hash,
        broken=not any(map(honest, card.episodes)),
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


def check_output(output: Path, *, replace: bool = False, played: bool = False) -> None:
    """Checks, before hours of play, that what they give can be written.

    Args:
        played: whether completions are played, and kept beside the output (`completions_beside`).

    Raises:
        RunError: a file exists and may not be replaced, or its folder does not exist.
    """
    if not output.parent.is_dir():
        raise RunError(f"{output}: its folder does not exist; make it, or choose another --output")
    for path in (output, completions_beside(output)) if played else (output,):
        if path.is_dir():
            raise RunError(f"{path}: is a folder; choose another --output")
        if path.exists() and not replace:
            raise RunError(f"{path}: exists already; choose another --output, or allow it with --replace")


def completions_beside(output: Path) -> Path:
    """Where the completions stand that were played for the rows of a file."""
    return output.with_name(output.stem + PLAYED)


def write_pairs(made: Pairs, output: Path, *, replace: bool = False) -> None:
    """Writes the rows as JSON lines, and beside them what they were made of.

    Raises:
        RunError: the file exists and may not be replaced, or cannot be written.
    """
    check_output(output, replace=replace)
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
            "not_known_whether_cut_off": made.unknown,
            "seeds": made.seeds,
            "broken_game_counts_as": made.floor,
            "completions_left_out": dict(made.left_out),
            "pairs_left_out": dict(made.pairs_left_out),
        },
    )
