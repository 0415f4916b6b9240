"""Referees on a real Ray cluster of several nodes on this machine: the same cards, whatever is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium
import psutil
import pytest

from envrl.envs import Task, find_task, locations, registry
from envrl.errors import ConfigError, SandboxError
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, LocalPlayers, Player, Scorecard, open_arena, ray_arena
from envrl.rollouts.ray_arena import RayArena

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed (the extra 'ray')"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning"),
]

RANDOM = "def strategy(board):\n    return choice(legal(board))\n"
MIXED = {
    "plain": RANDOM,
    "endless": "def strategy(board):\n    while True: pass\n",
    "import": "import os\ndef strategy(board): return 'W'",
    "exception": "def strategy(board): return board[9]",
    "rubbish": "def strategy(board): return 'north'",
    "no entry point": "def play(board): return 'W'",
    "lone surrogate": "# \ud800\ndef strategy(board): return 'W'",
}
# Long enough for a kill to fall into it.
LONG = "x = {}\ndef strategy(board):\n    sum(range(40_000))\n    return choice(legal(board))\n"


def assignment(source: str, count: int = 4) -> Assignment:
    return Assignment(source, tuple(range(100, 100 + count)), tuple(range(7, 7 + count)))


PLAYED = [assignment(LONG.format(n), 4) for n in range(10)]


def told(cards: list[Scorecard]) -> list[object]:
    """All of the cards that is a function of strategies and seeds."""
    return [
        [c.source, c.outcome, c.detail, c.program_hash]
        + [(e.index, e.outcome, e.steps, e.score, e.progress, e.metrics, e.detail, e.call) for e in c.episodes]
        for c in cards
    ]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores and three nodes of one core each, which this process joins: `arena` leaves one core free."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    # A lost node is known for lost after five seconds, not fifteen.
    quick = {"health_check_period_ms": 1000}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": quick, **small})
    made.small = small
    for _ in range(3):
        made.add_node(wait=False, num_cpus=1, **small)
    made.wait_for_nodes()
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def arena(cluster: Any, task: Task, limits: Limits) -> Iterator[RayArena]:
    with RayArena(task, workers=2, limits=limits) as made:
        made.ready()
        yield made


@pytest.fixture(scope="module")
def expected(local: LocalPlayers) -> list[object]:
    return told(local.play(PLAYED))


def below(arena: RayArena) -> list[psutil.Process]:
    """Zygotes and workers of all actors."""
    return [
        child
        for host in arena._hosts
        if host.place is not None
        for child in psutil.Process(host.place.pid).children(recursive=True)
    ]


def when_playing(arena: RayArena, one: Assignment, act: Callable[[int], None], times: int = 1) -> Callable[[], int]:
    """Acts on the process of each actor that is seen to play an assignment; returns what waits and gives how many."""
    done: list[int] = []

    def work() -> None:
        end = time.monotonic() + 60
        while len(done) < times and time.monotonic() < end:
            for flight in list(arena._flying.values()):
                place = flight.host.place
                if one in flight.chunk and place is not None and place.pid not in done and len(done) < times:
                    time.sleep(0.05)
                    act(place.pid)
                    done.append(place.pid)
            time.sleep(0.001)

    thread = threading.Thread(target=work)
    thread.start()

    def wait() -> int:
        thread.join()
        return len(done)

    return wait


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_every_outcome_is_the_local_one_on_two_nodes(arena: RayArena, player: Player) -> None:
    mixed = [assignment(f"{source}\n# {n}") for n in range(3) for source in MIXED.values()]
    assert told(arena.play(mixed)) == told(player.play(mixed))
    assert len({host.place.node for host in arena._hosts if host.place}) == 2


def test_cards_come_in_order_and_repeated_assignments_are_played_once(arena: RayArena) -> None:
    sources = [f"def strategy(board):\n    x = {n}\n    return choice(legal(board))" for n in range(9)]
    finished: list[int] = []
    cards = arena.play([assignment(source, 1) for source in sources * 2], finished.append)
    assert [card.source for card in cards] == sources * 2
    assert sum(finished) == len(sources)


def test_nothing_to_play_gives_nothing(arena: RayArena) -> None:
    assert arena.play([]) == []


def test_what_is_played_ahead_gets_the_same_cards(arena: RayArena, expected: list[object]) -> None:
    for played in PLAYED[:5]:
        arena.play_ahead([played])
        assert sum(bool(flight.chunk) for flight in arena._flying.values()) <= 1
    end = time.monotonic() + 60
    while arena._ledger.open and time.monotonic() < end:
        arena.play_ahead()
        time.sleep(0.001)
    told_so_far: list[int] = []
    assert told(arena.play(PLAYED, told_so_far.append)) == expected
    assert told_so_far[0] == 5


def test_actors_see_no_accelerator_and_calculate_in_one_thread(arena: RayArena) -> None:
    for host in arena._hosts:
        assert host.place is not None
        seen = psutil.Process(host.place.pid).environ()
        assert seen["CUDA_VISIBLE_DEVICES"] == ""
        assert {seen[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")} == {"1"}


def test_memory_of_actors_zygotes_and_workers_is_seen(arena: RayArena) -> None:
    arena.play(PLAYED[:2])
    assert arena.peak_memory > 50 * 2**20


def test_an_actor_killed_in_play_changes_no_card_and_leaves_no_process(arena: RayArena, expected: list[object]) -> None:
    orphans: list[psutil.Process] = []

    def act(pid: int) -> None:
        orphans.extend(psutil.Process(pid).children(recursive=True))
        kill(pid)

    wait = when_playing(arena, PLAYED[0], act)
    assert told(arena.play(PLAYED)) == expected
    assert wait() == 1
    assert len(orphans) >= 2  # zygote and worker
    _, alive = psutil.wait_procs(orphans, timeout=30)
    assert alive == []


def test_an_actor_killed_while_idle_changes_no_card(arena: RayArena, expected: list[object]) -> None:
    arena.ready()
    assert arena._hosts[0].place is not None
    kill(arena._hosts[0].place.pid)
    assert told(arena.play(PLAYED)) == expected


def test_a_chunk_whose_actors_are_killed_again_and_again_is_our_own_error(
    arena: RayArena, expected: list[object]
) -> None:
    wait = when_playing(arena, PLAYED[0], kill, times=3)
    cards = arena.play(PLAYED)
    assert wait() == 3
    ours = [card for card in cards if card.infrastructure_error]
    assert 0 < len(ours) < len(cards)
    assert "lost 3 times" in ours[0].episodes[0].detail
    assert told([card for card in cards if not card.infrastructure_error]) == expected[len(ours) :]


def test_a_node_lost_in_play_changes_no_card_and_another_takes_its_place(
    arena: RayArena, cluster: Any, expected: list[object]
) -> None:
    arena.ready()
    gone: list[str] = []

    def lose(pid: int) -> None:
        (host,) = [h for h in arena._hosts if h.place is not None and h.place.pid == pid]
        (node,) = [n for n in cluster.worker_nodes if n.node_id == host.place.node]  # type: ignore[union-attr]
        gone.append(node.node_id)
        cluster.remove_node(node, allow_graceful=False)

    wait = when_playing(arena, PLAYED[0], lose)
    assert told(arena.play(PLAYED)) == expected
    assert wait() == 1
    arena.ready()  # the actor in place of the lost one
    nodes = {host.place.node for host in arena._hosts if host.place is not None}
    assert len(nodes) == 2
    assert not nodes & set(gone)
    assert told(arena.play(PLAYED)) == expected
    cluster.add_node(num_cpus=1, **cluster.small)  # as it was
    cluster.wait_for_nodes()


def test_more_workers_than_cores_are_refused(cluster: Any, task: Task) -> None:
    with pytest.raises(SandboxError, match=r"offers 3 cores in 4 nodes, too few for 9 workers"):
        open_arena(task, runner="ray", workers=9)


COIN = """
import gymnasium, envrl
from gymnasium.spaces import Discrete

@envrl.register("ray/coin-v0", short="ray-coin", max_episode_steps=3, success="return > 0")
class Coin(gymnasium.Env):
    observation_space, action_space = Discrete(1), Discrete(2)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}
    def step(self, action):
        return 0, float(self.np_random.integers(2) == action), True, False, {}
"""


@pytest.fixture
def coin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Task]]:
    """A user's file with an environment of its own, and its task; both registries are as before afterwards."""
    ids, tasks = dict(gymnasium.registry), dict(registry._tasks)
    monkeypatch.setattr(locations, "_loaded", [])
    path = tmp_path / "coin.py"
    path.write_text(COIN)
    yield path, find_task(str(path))
    for known, before in ((gymnasium.registry, ids), (registry._tasks, tasks)):
        known.clear()
        known.update(before)


def test_an_environment_in_a_users_file_is_played_on_the_nodes(cluster: Any, coin: tuple[Path, Task]) -> None:
    _, task = coin
    played = [Assignment("def strategy(observation): return 1", tuple(range(20)), tuple(range(20)))]
    alone = LocalPlayers(task)
    try:
        expected = told(alone.play(played))
    finally:
        alone.close()
    with open_arena(task, runner="ray", workers=1) as made:
        (card,) = made.play(played)
    assert told([card]) == expected
    assert {e.outcome for e in card.episodes} == {Outcome.SUCCESS, Outcome.FAILURE}


def test_a_file_that_is_not_on_a_node_is_named(
    cluster: Any, coin: tuple[Path, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, task = coin
    arena = open_arena(task, runner="ray", workers=1)  # its code is looked at here
    path.unlink()
    with pytest.raises(SandboxError, match=r"Ray node .*coin\.py: No such file.*must be there on every node"):
        arena.ready()


def test_a_node_with_other_code_is_refused(cluster: Any, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    here = ray_arena.code_here
    monkeypatch.setattr(ray_arena, "code_here", lambda locations: here(locations) | {"package numpy": "0.1"})
    with pytest.raises(SandboxError, match=r"would play otherwise.*package numpy is \d.*there and 0\.1 here"):
        open_arena(task, runner="ray", workers=1).ready()


def test_a_layer_that_a_node_lacks_is_named(cluster: Any, task: Task) -> None:
    with pytest.raises(SandboxError, match=r"Ray node .*no such layer"):
        open_arena(task, runner="ray", workers=1, require=("limits", "no such layer")).ready()


def test_a_process_that_joined_another_cluster_is_told(cluster: Any, task: Task) -> None:
    with pytest.raises(ConfigError, match=r"has joined the Ray cluster at .* already, and 10\.0\.0\.1:6379 was asked"):
        open_arena(task, runner="ray", ray_address="10.0.0.1:6379")


def test_a_closed_pool_leaves_no_process_and_keeps_the_connection(cluster: Any, task: Task) -> None:
    import ray

    made = RayArena(task, workers=1)
    made.play(PLAYED[:1])
    processes = [psutil.Process(made._hosts[0].place.pid), *below(made)]  # type: ignore[union-attr]
    assert len(processes) >= 2
    made.close()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
    assert ray.is_initialized()
