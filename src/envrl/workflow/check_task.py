"""Checks of an environment as a task: its prompt, its games side by side, what it pays, who wins it."""

from __future__ import annotations

import ast
import copy
import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium

from envrl.audit import BENIGN, audit
from envrl.envs import Ending, InvalidAction, Task
from envrl.envs.generic.spaces import plain
from envrl.evaluation.statistics import wilson
from envrl.outcomes import Outcome
from envrl.rewards import find_preset
from envrl.rollouts import Assignment, LocalPlayers, Scorecard
from envrl.seeding import private_seed
from envrl.workflow.check_subject import SEEDS, STEPS, Check, Found, Objection, Subject, Verdict, differ

__all__ = ["TASK_CHECKS"]

_CONSTANTS = 8
_EPISODES = 100  # of random play; constants play a fifth of them
_BATCH = 20
_PATIENCE = 10.0  # seconds after which a baseline plays no further batch
_LONG_PROMPT = 12_000  # characters: some thousand tokens, before a model has written any
_FEW = ("values", "display")  # classes of hostile programs that any task may be weak to
_FEW_BENIGN = 8


def _task(subject: Subject) -> Found:
    subject.task = subject.find()
    return Verdict.OK, f"won when {subject.task.success}", ""


def _prompt(subject: Subject) -> Found:
    text = subject.known().prompt("chat")
    inherited = (inspect.getdoc(gymnasium.Env) or "").partition("\n")[0]
    if subject.by_space() and inherited in text:
        return Verdict.WARNING, "it says nothing of the game", "give the class a docstring, or register it with about="
    seen = f"{len(text)} characters, {len(subject.known().prompt('tiny'))} for the tiny model"
    if len(text) > _LONG_PROMPT:
        return Verdict.WARNING, seen, "say less in the docstring, or register it with about="
    return Verdict.OK, seen, ""


def _lockstep(games_of: Task, seeds: Sequence[int], order: Sequence[int], actions: Sequence[Any]) -> dict[int, Any]:
    """Plays games side by side, asked in some order: by seed, all that was observed, and the ending."""
    games = games_of.games([seeds[i] for i in order])
    told: dict[int, list[Any]] = {i: [] for i in order}
    live = list(range(len(order)))
    for action in actions:
        observed = games.observe(live)
        for which, observation in zip(live, observed, strict=True):
            told[order[which]].append(observation)
        live = [which for which, seen in zip(live, observed, strict=True) if not isinstance(seen, Ending)]
        endings = games.act(live, [action] * len(live)) if live else []
        for which, ending in zip(live, endings, strict=True):
            told[order[which]].append(ending)
        live = [which for which, ending in zip(live, endings, strict=True) if ending is None]
    for which in live:
        games.standing(which)  # closes it
    return told


def _batch(subject: Subject) -> Found:
    task = subject.known()
    actions = subject.actions if subject.by_space() else [_example(task)] * STEPS
    seeds, order = subject.seeds(5), range(5)
    alone = {i: _lockstep(task, seeds, [i], actions)[i] for i in order}
    for how, places in (("beside others", order), ("beside others, in another order", [*reversed(order)])):
        together = _lockstep(task, seeds, places, actions)
        for i in order:
            part = differ(alone[i], together[i])
            if part is not None:
                raise Objection(
                    f"game {i} plays otherwise {how} than alone: they part at step {part // 2}",
                    "keep all state in the instance, made in reset: none in the class, the module or a file",
                )
    return Verdict.OK, "five games play side by side as each does alone", ""


def _example(task: Task) -> Any:
    return task.action(ast.literal_eval(task.example_action))


_Draw = Callable[[int], Callable[[], Any]]


def _rate(subject: Subject, draw: _Draw, episodes: int) -> tuple[int, int]:
    """Wins and games of a player without eyes, straight on the task's games; ``draw(seed)()`` is its next action."""
    began, won, played = time.monotonic(), 0, 0
    seeds = subject.seeds(episodes)
    while played < episodes and (not played or time.monotonic() - began < _PATIENCE):
        part = seeds[played : played + _BATCH]
        games, draws = subject.known().games(part), [draw(seed) for seed in part]
        live = list(range(len(part)))
        while live:
            ended: dict[int, Ending] = {
                which: seen for which, seen in zip(live, games.observe(live), strict=True) if isinstance(seen, Ending)
            }
            live = [which for which in live if which not in ended]
            endings = games.act(live, [draws[which]() for which in live]) if live else []
            ended |= {which: ending for which, ending in zip(live, endings, strict=True) if ending is not None}
            for ending in ended.values():
                if ending.outcome is Outcome.INFRASTRUCTURE_ERROR:
                    raise Objection(ending.detail, "let the environment not raise")
                won += ending.outcome is Outcome.SUCCESS
            live = [which for which in live if which not in ended]
        played += len(part)
    return won, played


def _said(won: int, played: int) -> str:
    low, rate, high = wilson(won, played)
    return f"wins {rate:.0%} of {played} games (95 % interval {low:.0%} to {high:.0%})"


_TOO_EASY = "ask more of success, or make the game harder: there is little left to learn"


def _random(subject: Subject) -> Found:
    if not subject.by_space():
        return Verdict.OK, "not played: the task has actions of its own", ""
    env = subject.make()
    env.close()

    def draw(seed: int) -> Callable[[], Any]:
        space = copy.deepcopy(env.action_space)
        space.seed(private_seed(seed, "random play") % 2**32)
        return space.sample

    won, played = _rate(subject, draw, _EPISODES)
    easy = 2 * won > played
    return Verdict.WARNING if easy else Verdict.OK, _said(won, played), _TOO_EASY if easy else ""


def _constants(subject: Subject) -> list[tuple[str, Any]]:
    """Some actions, each as source of what a strategy returns and as the games take it."""
    task = subject.known()
    example = [(task.example_action, _example(task))]
    if not subject.by_space():
        return example
    env = subject.make()
    env.close()
    space = env.action_space
    if isinstance(space, gymnasium.spaces.Discrete) and space.n <= 2 * _CONSTANTS:
        actions = [space.dtype.type(space.start + i) for i in range(int(space.n))]
    else:
        actions = subject.actions[:_CONSTANTS]
    try:
        return [(repr(plain(space, action)), action) for action in actions]
    except (TypeError, ValueError):  # a space without plain form: the task has arguments and actions of its own
        return example


def _always(action: Any) -> _Draw:
    return lambda seed: lambda: action


def _constant(subject: Subject) -> Found:
    constants = _constants(subject)
    rates = {text: _rate(subject, _always(action), _EPISODES // 5) for text, action in constants}
    best = max(rates, key=lambda text: rates[text][0] / rates[text][1])
    won, played = rates[best]
    easy = 2 * won > played
    seen = f"the best of {len(rates)}, always {best}, {_said(won, played)}"
    return Verdict.WARNING if easy else Verdict.OK, seen, _TOO_EASY if easy else ""


_HONEST = """\
def {entry}(*args):
    return {action}
"""
_FAILING = """\
calls = 0


def {entry}(*args):
    global calls
    calls += 1
    if calls > {after}:
        {fault}
    return {action}
"""
_FAULTS = {
    Outcome.INVALID_ACTION: "return {bad}",
    Outcome.EXCEPTION: "raise ValueError",
    Outcome.TIMEOUT: "while True: pass",
    Outcome.VIOLATION: "import os",
}


def _order(subject: Subject) -> Found:
    task = subject.known()
    players = LocalPlayers(task)

    def play(template: str, **fill: Any) -> Scorecard:
        source = template.format(entry=task.entry_point, **fill)
        (card,) = players.play([Assignment(source, SEEDS, tuple(subject.seeds(len(SEEDS))))])
        return card

    try:
        honest = {text: play(_HONEST, action=text) for text, _ in _constants(subject)}
        # One that is played to its end, if there is any: a placement in Sudoku, always the same, is refused.
        action = min(honest, key=lambda text: (_worst(honest[text]) in _FAULTS, _total(honest[text])))
        loser = honest[action]
        paid: dict[Outcome, float] = {}
        for outcome, fault in _FAULTS.items():
            faults = {"fault": fault.format(bad=_no_action(task)), "action": action}
            cards = [play(_FAILING, after=after, **faults) for after in (0, 2)]
            totals = [_total(card) for card in cards if _worst(card) is outcome]
            if totals and outcome is not _worst(loser):
                paid[outcome] = max(totals)
    finally:
        players.close()
    least = _total(loser)
    seen = f"always {action} earns {least:.2f}; " + ", ".join(f"{word} {total:.2f}" for word, total in paid.items())
    if wrong := [word for word, total in paid.items() if total >= least]:
        raise Objection(
            f"{' and '.join(wrong)} pays as much as honest play: {seen}",
            "let progress (progress=) pay nothing that an episode broken off keeps",
        )
    return Verdict.OK, f"{seen} (preset envrl)", ""


def _worst(card: Scorecard) -> Outcome:
    if card.outcome is not None:
        return card.outcome
    outcomes = [episode.outcome for episode in card.episodes]
    return next((outcome for outcome in _FAULTS if outcome in outcomes), outcomes[0])


def _total(card: Scorecard) -> float:
    preset = find_preset("envrl")
    total = preset.total(preset.rewards(card))
    if total is None:
        detail = next((e.detail for e in card.episodes if e.outcome is Outcome.INFRASTRUCTURE_ERROR), card.detail)
        raise Objection(detail, "let the environment not raise")
    return total


def _no_action(task: Task) -> str:
    for value in (None, "no action", [], -(10**9)):
        try:
            task.action(value)
        except InvalidAction:
            return repr(value)
    raise Objection("None, 'no action', [] and -1000000000 all pass as actions", "let action= raise InvalidAction")


def _hostile(subject: Subject) -> Found:
    task = subject.known()
    found = audit(task) if subject.full else audit(task, classes=_FEW, seeds=1, benign=BENIGN[:_FEW_BENIGN])
    bad = {f"{f.kind}/{f.name}": None for f in (*found.gained, *found.touched, *found.unjudged, *found.false_alarms)}
    if not found.clean:
        names = ", ".join([*bad, *found.unattributed])
        raise Objection(f"not as it should be: {names}", f"see more with envrl audit --env {task.short}")
    more = "" if subject.full else "; all of them: --full"
    return Verdict.OK, f"{len(found.findings)} programs: none gained, none touched anything{more}", ""


TASK_CHECKS = (
    Check("task", _task, first=True),
    Check("prompt", _prompt),
    Check("batch independence", _batch),
    Check("random play", _random),
    Check("constant actions", _constant),
    Check("order of rewards", _order),
    Check("hostile programs", _hostile),
)
