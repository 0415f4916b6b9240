"""Players and referees: who is skipped, what is ours to own, and what survives a kill."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from envrl.envs import Task
from envrl.errors import SandboxError
from envrl.limits import Limits
from envrl.outcomes import HARD, Outcome
from envrl.rollouts import Arena, Assignment, LocalPlayers, Player, Scorecard, profile_of
from envrl.sandbox import Program, Reply, Sandbox

RANDOM = "def strategy(board):\n    return choice(legal(board))\n"
ENDLESS = "def strategy(board):\n    while True: pass\n"

HOSTILE: dict[str, tuple[str, Outcome]] = {
    "sum of 20,000 terms": (f"def strategy(board):\n    return {'+'.join(['1'] * 20_000)}", Outcome.SYNTAX_ERROR),
    "endless loop": (ENDLESS, Outcome.TIMEOUT),
    "large power": ("def strategy(board):\n    return 10**10**8", Outcome.TIMEOUT),
    "memory bomb": ("kept = []\ndef strategy(board):\n    while True: kept.append(bytes(10**6))", Outcome.MEMORY),
    "print flood": ("def strategy(board):\n    while True: print(board)", Outcome.OUTPUT_LIMIT),
    "import": ("import os\ndef strategy(board): return 'W'", Outcome.VIOLATION),
    "no entry point": ("def play(board): return 'W'", Outcome.NO_ENTRY_POINT),
    "exception": ("def strategy(board): return board[9]", Outcome.EXCEPTION),
    "rubbish": ("def strategy(board): return 'north'", Outcome.INVALID_ACTION),
    "too long": ("def strategy(board): return 'W'\n" + "#" * 70_000, Outcome.SYNTAX_ERROR),
}


def assignment(source: str, count: int = 4) -> Assignment:
    return Assignment(source, tuple(range(100, 100 + count)), tuple(range(7, 7 + count)))


def told(card: Scorecard) -> list[object]:
    """All of a card that is a function of strategy and seeds."""
    return [
        card.outcome,
        card.detail,
        card.program_hash,
        [(e.index, e.outcome, e.steps, e.score, e.progress, e.metrics, e.detail, e.call) for e in card.episodes],
    ]


def test_hostile_completions_get_their_outcomes_and_their_neighbours_what_they_get_alone(player: Player) -> None:
    (alone,) = player.play([assignment(RANDOM)])
    mixed = [assignment(RANDOM)]
    for source, _ in HOSTILE.values():
        mixed += [assignment(source), assignment(RANDOM)]
    cards = player.play(mixed)
    assert [told(card) for card in cards[::2]] == [told(alone)] * (len(HOSTILE) + 1)
    got = {name: card.outcome or card.episodes[0].outcome for name, card in zip(HOSTILE, cards[1::2], strict=True)}
    assert got == {name: outcome for name, (_, outcome) in HOSTILE.items()}


@pytest.mark.parametrize(
    "cheat",
    [
        "board[0][0] = 2048",
        "board[:] = [[2048] * 4] * 4",
        "random.random = lambda: 0; random.choice = lambda m: m[0]",
        "random.Random.choice = lambda self, m: m[0]",
        "type(random).choice = lambda m: m[0]",
        "(i for i in ()).gi_frame.f_back.f_locals",
    ],
)
def test_a_cheat_wins_nothing(player: Player, cheat: str) -> None:
    source = f"import random\ndef strategy(board):\n    m = choice(legal(board))\n    {cheat}\n    return m"
    (card,), (honest,) = player.play([assignment(source)]), player.play([assignment(RANDOM)])
    # Either it is caught, or it plays the very games that it would have played without.
    if card.outcome is not Outcome.VIOLATION:
        for episode, fair in zip(card.episodes, honest.episodes, strict=True):
            caught = episode.outcome in (Outcome.VIOLATION, Outcome.EXCEPTION)
            assert caught or (episode.steps, episode.score, episode.metrics) == (fair.steps, fair.score, fair.metrics)


def test_after_enough_hard_failures_the_later_games_are_skipped(player: Player) -> None:
    (card,) = player.play([assignment(ENDLESS, 5)])
    assert [episode.outcome for episode in card.episodes] == [Outcome.TIMEOUT] * 2 + [Outcome.SKIPPED] * 3


def test_skipping_follows_the_order_of_the_seeds_and_not_that_of_play(player: Player) -> None:
    # Each game fails at a call of its own: later games may well fail first.
    source = (
        "import random\nlast = random.randint(1, 30)\ncalls = 0\ndef strategy(board):\n"
        "    global calls\n    calls += 1\n"
        "    while calls > last: pass\n    return choice(legal(board))\n"
    )
    (card,) = player.play([assignment(source, 8)])
    failed = 0
    for episode in card.episodes:
        assert (episode.outcome is Outcome.SKIPPED) == (failed >= 2)
        failed += episode.outcome in HARD


def test_soft_failures_skip_nothing(player: Player) -> None:
    (card,) = player.play([assignment("def strategy(board): raise ValueError", 5)])
    assert [episode.outcome for episode in card.episodes] == [Outcome.EXCEPTION] * 5


def test_a_fault_says_at_which_call_and_keeps_what_was_reached(player: Player) -> None:
    source = (
        "n = 0\ndef strategy(board):\n    global n\n    n += 1\n    if n == 4: raise ValueError('now')\n"
        "    return legal(board)[0]\n"
    )
    (card,) = player.play([assignment(source, 1)])
    (episode,) = card.episodes
    assert (episode.call, episode.steps, episode.detail) == (3, 3, "line 5: ValueError: now")
    assert episode.progress > 0


def test_cards_come_in_the_order_of_their_assignments(player: Player) -> None:
    sources = [f"def strategy(board):\n    x = {n}\n    return choice(legal(board))" for n in range(40)]
    assert [card.source for card in player.play([assignment(source, 1) for source in sources])] == sources


def test_nothing_to_play_gives_nothing(player: Player) -> None:
    assert player.play([]) == []


def test_an_assignment_without_seeds_has_a_card_without_episodes(player: Player) -> None:
    (card,) = player.play([Assignment(RANDOM, (), ())])
    assert card.episodes == ()


@pytest.mark.parametrize("source", ["\ud800", "def strategy(board): return '\ud800'", "\0", "# é\ufffe"])
def test_any_text_is_a_source(player: Player, source: str) -> None:
    (card,) = player.play([assignment(source, 1)])
    assert card.outcome in (Outcome.SYNTAX_ERROR, Outcome.NO_ENTRY_POINT)


def test_a_value_that_is_no_action_is_not_told_at_length(task: Task, sandbox: Sandbox, limits: Limits) -> None:
    choosy = dataclasses.replace(task, action={}.__getitem__)  # its error holds the value
    source = "def strategy(board): return 'x' * 9000"
    (card,) = Player(choosy, sandbox, limits).play([assignment(source)])
    assert {episode.outcome for episode in card.episodes} == {Outcome.INVALID_ACTION}
    assert max(len(episode.detail) for episode in card.episodes) <= 300


def test_many_strategies_with_many_games_all_get_a_card(player: Player) -> None:
    cards = player.play([assignment(f"x = {n}\n{RANDOM}", 3) for n in range(70)])
    assert len({tuple(map(str, told(card)[3])) for card in cards}) == 1  # type: ignore[call-overload]


def test_a_worker_lost_twice_is_our_own_error(task: Task, sandbox: Sandbox, limits: Limits) -> None:
    class Failing:
        """Says of every worker that envrl lost it, as after a wall clock that ran out on a busy machine."""

        def load(self, source: bytes, budgets: Limits, games: int = 1) -> Program:
            return sandbox.load(source, budgets, games)

        def collect(self, timeout: float | None = None) -> list[tuple[Program, Reply]]:
            from envrl.sandbox import Fault

            return [(program, Fault(Outcome.INFRASTRUCTURE_ERROR, "lost")) for program, _ in sandbox.collect(timeout)]

    (card,) = Player(task, Failing(), limits).play([assignment(RANDOM, 2)])  # type: ignore[arg-type]
    assert card.infrastructure_error
    assert [episode.outcome for episode in card.episodes] == [Outcome.INFRASTRUCTURE_ERROR] * 2


@pytest.mark.parametrize(
    "mark",
    [
        "from collections import Counter\nseen = hasattr(Counter.most_common, 'mark')\nCounter.most_common.mark = 1",
        "from typing import Sequence\nfrom heapq import merge\nseen = hasattr(merge, 'm')\nsetattr(merge, 'm', 1)",
        "from typing import NamedTuple\nseen = hasattr(NamedTuple, 'mark')\nNamedTuple.mark = 1",
        "import functools, heapq\nseen = heapq.merge.__name__ == 'f'\ndef f(): pass\nfunctools.wraps(f)(heapq.merge)",
    ],
)
def test_no_game_meets_what_another_left_on_a_shared_function(player: Player, mark: str) -> None:
    source = f"{mark}\ndef strategy(board):\n    return 'left' if seen else choice(legal(board))\n"
    (card,) = player.play([assignment(source, 6)])
    assert {episode.outcome for episode in card.episodes} <= {Outcome.SUCCESS, Outcome.FAILURE}


AFTER_THE_CALL = {
    "a generator that goes on when it is freed": "def endless():\n    try:\n        yield 1\n    finally:\n"
    "        while True: pass\ndef strategy(board):\n    one = endless()\n    next(one)\n    return [one]",
    "a game spent in the kernel": "from collections import deque\nfrom itertools import repeat\n"
    "def strategy(board): deque(map(bytes, repeat(2**25)), maxlen=0)",
    "an error that answers for itself": "class E(ValueError):\n    @property\n    def args(self):\n"
    "        while True: pass\ndef strategy(board): raise E",
}


@pytest.mark.parametrize("source", AFTER_THE_CALL.values(), ids=AFTER_THE_CALL.keys())
def test_no_program_makes_its_loss_an_error_of_ours(player: Player, source: str) -> None:
    (card,) = player.play([assignment(source, 2)])
    assert {episode.outcome for episode in card.episodes} <= {Outcome.TIMEOUT, Outcome.EXCEPTION}


class Mortal(Sandbox):
    """Kills its own zygote at certain collects, counted over all zygotes."""

    def __init__(self, task: Task, at: tuple[int, ...], at_load: tuple[int, ...] = ()) -> None:
        self.at, self.count = at, 0
        self.at_load, self.loads = at_load, 0
        super().__init__(profile_of(task))

    def load(self, source: bytes, limits: Limits, games: int = 1) -> Program:
        self.loads += 1
        if self.loads in self.at_load:
            self.kill()
        return super().load(source, limits, games)

    def collect(self, timeout: float | None = None) -> list[tuple[Program, Reply]]:
        self.count += 1
        if self.count in self.at:
            self.kill()
        return super().collect(timeout)

    def kill(self) -> None:
        zygote = psutil.Process(self.pids()[0])
        inner = zygote.children()
        for process in [*inner, zygote]:
            process.kill()
        psutil.wait_procs(inner, timeout=30)


ZYGOTE_PLAYED = [assignment(f"x = {n}\n{RANDOM}", 3) for n in range(40)]


@pytest.mark.parametrize("at", [(1,), (4,), (30,)])
def test_a_zygote_lost_once_changes_no_card(task: Task, player: Player, limits: Limits, at: tuple[int, ...]) -> None:
    expected = [told(card) for card in player.play(ZYGOTE_PLAYED)]
    with Mortal(task, at) as sandbox:
        mortal = Player(task, sandbox, limits)
        assert [told(card) for card in mortal.play(ZYGOTE_PLAYED)] == expected
        assert sandbox.count > max(at)
        assert [told(card) for card in mortal.play(ZYGOTE_PLAYED)] == expected


@pytest.mark.parametrize("at", [(1,), (7,), (16, 17)])
def test_a_zygote_lost_while_programs_are_loaded_changes_no_card(
    task: Task, player: Player, limits: Limits, at: tuple[int, ...]
) -> None:
    expected = [told(card) for card in player.play(ZYGOTE_PLAYED)]
    with Mortal(task, (), at_load=at) as sandbox:
        assert [told(card) for card in Player(task, sandbox, limits).play(ZYGOTE_PLAYED)] == expected
        assert sandbox.loads > max(at)


def test_what_zygotes_lost_again_and_again_take_with_them_is_our_own_error(task: Task, limits: Limits) -> None:
    with Mortal(task, (3, 5, 7)) as sandbox:
        cards = Player(task, sandbox, limits).play(ZYGOTE_PLAYED)
    outcomes = {episode.outcome for card in cards for episode in card.episodes}
    assert Outcome.INFRASTRUCTURE_ERROR in outcomes
    assert not outcomes & HARD


def test_workers_prepared_between_plays_change_no_card(task: Task, player: Player, limits: Limits) -> None:
    expected = [told(card) for card in player.play(ZYGOTE_PLAYED)]
    with Sandbox(profile_of(task)) as sandbox:
        prepared = Player(task, sandbox, limits)
        for _ in range(3):
            prepared.prepare()
            assert [told(card) for card in prepared.play(ZYGOTE_PLAYED)] == expected


# -- referees ------------------------------------------------------------------------------------------------------

# Long enough for a kill to fall into it, and of several chunks.
PLAYED = [
    assignment(f"x = {n}\ndef strategy(board):\n    sum(range(20_000))\n    return choice(legal(board))\n", 6)
    for n in range(12)
]


@pytest.fixture(scope="module")
def arena(task: Task, limits: Limits) -> Iterator[Arena]:
    with Arena(task, workers=2, limits=limits) as made:
        made.ready()
        yield made


@pytest.fixture(scope="module")
def expected(local: LocalPlayers) -> list[list[object]]:
    return [told(card) for card in local.play(PLAYED)]


def kill_when_busy(arena: Arena, times: int) -> Callable[[], int]:
    """Kills so many referees of the arena, each while it plays; returns what waits for it and gives how many."""
    killed: list[int] = []

    def work() -> None:
        end = time.monotonic() + 60
        while len(killed) < times and time.monotonic() < end:
            for referee in list(arena._referees):
                pid = referee.process.pid
                if PLAYED[0] in referee.chunk and pid not in killed and len(killed) < times:
                    time.sleep(0.01)
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.001)

    thread = threading.Thread(target=work)
    thread.start()

    def wait() -> int:
        thread.join()
        return len(killed)

    return wait


def test_a_referee_killed_once_changes_no_card(arena: Arena, expected: list[list[object]]) -> None:
    wait = kill_when_busy(arena, 1)
    cards = arena.play(PLAYED)
    assert wait() == 1
    assert [told(card) for card in cards] == expected


def test_a_referee_killed_twice_over_one_chunk_is_our_own_error(arena: Arena, expected: list[list[object]]) -> None:
    wait = kill_when_busy(arena, 2)
    cards = arena.play(PLAYED)
    assert wait() == 2
    lost = [card for card in cards if card.infrastructure_error]
    assert 0 < len(lost) < len(cards)
    assert [told(card) for card in cards if not card.infrastructure_error] == expected[len(lost) :]


def test_a_referee_killed_while_idle_changes_no_card(arena: Arena, expected: list[list[object]]) -> None:
    victim = arena._referees[0].process
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    assert [told(card) for card in arena.play(PLAYED)] == expected


def test_a_killed_referee_leaves_no_process_behind(arena: Arena) -> None:
    arena.ready()
    below = psutil.Process(arena._referees[0].process.pid).children(recursive=True)
    assert below
    os.kill(arena._referees[0].process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(below, timeout=30)
    assert alive == []


def test_progress_is_told_by_assignments(arena: Arena) -> None:
    told_so_far: list[int] = []
    arena.play(PLAYED, told_so_far.append)
    assert sum(told_so_far) == len(PLAYED)


def test_what_is_played_ahead_gets_the_same_cards_and_is_not_played_again(
    arena: Arena, expected: list[list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Assignment] = []
    give = arena._give

    def note(referee: object, chunk: list[Assignment]) -> None:
        given.extend(chunk)
        give(referee, chunk)

    monkeypatch.setattr(arena, "_give", note)
    for played in PLAYED[:5]:
        arena.play_ahead([played])
        assert sum(bool(referee.chunk) for referee in arena._referees) <= 1  # one is left to who writes programs
    end = time.monotonic() + 60
    while arena._ledger.open and time.monotonic() < end:
        arena.play_ahead()
        time.sleep(0.001)
    assert given == PLAYED[:5]
    told_so_far: list[int] = []
    assert [told(card) for card in arena.play(PLAYED, told_so_far.append)] == expected
    assert told_so_far[0] == 5
    assert sum(told_so_far) == len(PLAYED)
    assert len(given) == len(set(given)) == len(PLAYED)


def test_a_play_that_was_broken_off_leaves_nothing_to_play_first(arena: Arena, expected: list[list[object]]) -> None:
    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        arena.play(PLAYED, stop)
    assert not arena._ledger.open
    assert [told(card) for card in arena.play(PLAYED[3:5])] == expected[3:5]


def test_a_pool_of_one_plays_nothing_ahead(task: Task, limits: Limits) -> None:
    with Arena(task, workers=1, limits=limits) as arena:
        arena.play_ahead(PLAYED[:1])
        assert not arena._referees[0].chunk
        assert not arena._ledger.open


def test_memory_of_all_processes_is_seen(arena: Arena) -> None:
    assert arena.peak_memory > 10 * 2**20


def test_a_closed_arena_leaves_no_process(task: Task, limits: Limits) -> None:
    arena = Arena(task, workers=1, limits=limits)
    arena.ready()
    processes = arena.processes()
    assert len(processes) >= 2
    arena.close()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


def test_an_arena_without_a_required_layer_says_which(task: Task, limits: Limits) -> None:
    with pytest.raises(SandboxError, match="no such layer"):
        Arena(task, workers=1, limits=limits, require=("limits", "no such layer")).ready()
