"""Preference pairs and KTO rows from completions of one prompt that have been played."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envrl.data.likeness import Likeness
from envrl.data.significance import signed_rank_p_value

__all__ = ["Candidate", "Chosen", "PairRules", "choose_kto", "choose_pairs"]

_ROUNDING = 1e-9
"""So that a margin of 0.2 takes what rounding made 0.19999…."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completion that has been played.

    Attributes:
        prompt: what the model saw.
        completion: what it wrote.
        seeds: indices of the seeds that it played.
        values: what is compared, one a seed: 1 and 0 for games won and lost, or scores.
        success: share of the seeds won.
        program: hash of its syntax tree, or None.
        unfit: why it may stand in no pair, in a few words; "" where it may.
        spoiled: whether what makes it unfit is its own doing, so that it is fit to be an example of what not to do.
        broken: whether none of its games came to an honest end, so that its values say nothing good of it.
    """

    prompt: str
    completion: str
    seeds: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    success: float = 0.0
    program: str | None = None
    unfit: str = ""
    spoiled: bool = False
    broken: bool = False

    @property
    def mean(self) -> float:
        """Mean of the values; 0 where there are none."""
        return sum(self.values) / len(self.values) if self.values else 0.0


@dataclass(frozen=True, slots=True)
class PairRules:
    """Which pairs are wanted.

    Attributes:
        margin: least difference of the means of the two sides.
        confidence: how sure the test must be that the chosen one plays better.
        uses: most pairs that a completion stands in.
        per_prompt: most pairs of a prompt; None for no limit.
        alike: completions, and the two sides of a pair, may be alike up to this share (`Likeness`).
        seed: of the order in which pairs are looked at.
    """

    margin: float = 0.2
    confidence: float = 0.95
    uses: int = 4
    per_prompt: int | None = None
    alike: float = 0.95
    seed: int = 0


@dataclass(slots=True)
class Chosen:
    """Rows for a trainer, and what was left out.

    Attributes:
        rows: in TRL's conversational shape, with columns of their own that say why.
        completions: how many were left out, by reason.
        pairs: how many possible pairs were left out, by reason.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    completions: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)


def choose_pairs(candidates: Iterable[Candidate], rules: PairRules) -> Chosen:
    """Pairs of completions of the same prompt that played the same seeds, in which one is surely the better.

    Winners are taken in a shuffled order, and each meets the losers that stand in fewest pairs so far.
    """
    chosen = Chosen()
    for members in _groups(candidates, rules, chosen).values():
        if len(members) == 1:
            chosen.completions["no other completion played the same seeds"] += 1
            continue
        _pair_up(members, rules, chosen)
    return chosen


def choose_kto(candidates: Iterable[Candidate], threshold: float, margin: float, rules: PairRules) -> Chosen:
    """Rows with a label: desirable from a mean of ``threshold`` on, undesirable up to ``threshold - margin``.

    What lies between is left out; a completion that holds no program, or one that cheats or breaks in all its games, is
    undesirable.
    """
    chosen = Chosen()
    spoiled: dict[str, Candidate] = {}
    for candidate in (candidates := list(candidates)):
        if candidate.spoiled:
            spoiled.setdefault(candidate.completion.strip(), candidate)
    fit = [candidate for candidate in candidates if not candidate.spoiled]
    for members in _groups(fit, rules, chosen).values():
        for candidate in members:
            if candidate.mean >= threshold - _ROUNDING and not candidate.broken:
                chosen.rows.append(_kto_row(candidate, True))
            elif candidate.mean <= threshold - margin + _ROUNDING or candidate.broken:
                chosen.rows.append(_kto_row(candidate, False))
            else:
                chosen.completions["neither good nor bad"] += 1
    chosen.completions["same text as another"] += sum(c.spoiled for c in candidates) - len(spoiled)
    chosen.rows += [_kto_row(candidate, False) for candidate in spoiled.values()]
    chosen.completions += Counter()  # drops what was counted as nothing
    return chosen


def _groups(
    candidates: Iterable[Candidate], rules: PairRules, chosen: Chosen
) -> dict[tuple[str, tuple[int, ...]], list[Candidate]]:
    """The fit candidates without near-duplicates, by prompt and seeds."""
    groups: dict[tuple[str, tuple[int, ...]], list[Candidate]] = defaultdict(list)
    programs: set[tuple[Any, ...]] = set()
    for candidate in candidates:
        key = (candidate.prompt, candidate.seeds)
        program = (key, candidate.program or candidate.completion.strip())
        if candidate.unfit:
            chosen.completions[candidate.unfit] += 1
        elif program in programs:
            chosen.completions["same program as another"] += 1
        else:
            programs.add(program)
            groups[key].append(candidate)
    for key, members in groups.items():
        kept = Likeness([member.completion for member in members]).first_of_each(rules.alike)
        chosen.completions["text nearly that of another"] += len(members) - len(kept)
        groups[key] = [members[place] for place in kept]
    chosen.completions += Counter()
    return groups


def _pair_up(members: Sequence[Candidate], rules: PairRules, chosen: Chosen) -> None:
    likeness = Likeness([member.completion for member in members])
    means = np.array([member.mean for member in members])
    uses = np.zeros(len(members), dtype=np.int64)
    order = list(range(len(members)))
    random.Random(rules.seed).shuffle(order)
    place_in_order = np.empty(len(members), dtype=np.int64)
    place_in_order[order] = np.arange(len(members))
    found = 0
    for winner in order:
        lead = means[winner] - means
        far = lead >= rules.margin - _ROUNDING
        close = ~far & ((lead > 0) | ((lead == 0) & (np.arange(len(members)) > winner)))
        chosen.pairs["difference below the margin"] += int(close.sum())
        losers = np.flatnonzero(far)
        losers = losers[np.lexsort((place_in_order[losers], uses[losers]))]
        alike = likeness.to(winner, losers) > rules.alike
        for loser, same in zip(losers.tolist(), alike.tolist(), strict=True):
            if rules.per_prompt is not None and found >= rules.per_prompt:
                chosen.pairs["more than were asked for"] += 1
            elif uses[winner] >= rules.uses or uses[loser] >= rules.uses:
                chosen.pairs["a side stands in enough pairs already"] += 1
            elif same:
                chosen.pairs["sides nearly the same text"] += 1
            elif (p := signed_rank_p_value(members[winner].values, members[loser].values)) > 1 - rules.confidence:
                chosen.pairs["difference not significant"] += 1
            else:
                uses[[winner, loser]] += 1
                found += 1
                chosen.rows.append(_pair_row(members[winner], members[loser], p))
    chosen.pairs += Counter()


def _pair_row(winner: Candidate, loser: Candidate, p_value: float) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": winner.prompt}],
        "chosen": [{"role": "assistant", "content": winner.completion}],
        "rejected": [{"role": "assistant", "content": loser.completion}],
        "chosen_score": winner.mean,
        "rejected_score": loser.mean,
        "chosen_success": winner.success,
        "rejected_success": loser.success,
        "p_value": p_value,
        "seeds": len(winner.seeds),
    }


def _kto_row(candidate: Candidate, label: bool) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": candidate.prompt}],
        "completion": [{"role": "assistant", "content": candidate.completion}],
        "label": label,
        "score": candidate.mean,
        "success": candidate.success,
        "seeds": len(candidate.seeds),
    }
