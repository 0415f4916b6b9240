"""A task as a Gymnasium environment for a language model: the prompt is observed, a completion is the action.

For training loops that are not envrl's own. An episode is one step: the completion's program plays its games in the
sandbox as it does in `envrl train`, and the reward is the total of the same components.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec

from envrl.envs import Task, find_task
from envrl.errors import ConfigError, EnvError, SeedError, UnknownNameError
from envrl.outcomes import Outcome
from envrl.rewards.components import SAFETY
from envrl.rewards.presets import find_preset
from envrl.rewards.scorer import Scored, Scorer
from envrl.rollouts import CONTRACTS, Assignment, LocalPlayers, Scorecard
from envrl.sandbox import LEAST
from envrl.seeding import Block, block_salt, episode_seeds, parse_indices

__all__ = ["AnyText", "PromptEnv"]

_ID = "envrl/Prompt-v0"
_INDICES = 2**40
_LONGEST = 2**20  # characters of a completion; its program meets the limits of the sandbox long before
_KEYBOARD = "".join(map(chr, range(32, 127))) + "\n"


class AnyText(spaces.Text):
    """Every text of up to ``max_length`` characters, the empty one too.

    What a model writes has no alphabet, and a set of all that Unicode knows would take 100 MB. So every ``str`` that is
    not too long is an element; `sample` draws printable ASCII and newlines, which is what ``character_set`` holds, and
    `gymnasium.spaces.flatten` knows no other characters.
    """

    def __init__(self, max_length: int) -> None:
        super().__init__(max_length, min_length=0, charset=_KEYBOARD)

    def contains(self, x: Any) -> bool:
        """Whether it is a text, and not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    def __repr__(self) -> str:
        return f"AnyText({self.max_length})"


class PromptEnv(gymnasium.Env[str, str]):
    """A task for a model that writes programs, as an environment of a single step.

    ==============  ================================================================================================
    observation     the prompt, the same in every episode of a task and contract
    action          a completion: any text
    reward          the preset's weighted sum, the same as `Scorer` gives for this completion and these seeds
    terminated      after every step
    info            of `reset`: ``seeds``, the indices of the games to be played. Of `step`, besides: ``rewards``, the
                    components by name; ``outcome``, how the completion failed before any game, else how the worst of
                    its games ended; ``success``, the share of games won; ``scorecard``, the `Scorecard`
    ==============  ================================================================================================

    ``reset(seed=…)`` chooses the games; completions that are to be compared, such as those of a group in GRPO, are each
    given the same seed. ``reset(options={"seeds": "0:16"})`` names them: indices of the block, as in ``envrl eval``.

    Programs run in workers of a sandbox of this environment's own, which starts with the first step; `close` ends it.

    Args:
        env: whatever ``envrl train --env`` takes (``2048``, ``CartPole-v1``, ``path/to/file.py:name``), or a `Task`.
        contract: how the program is taken out of a completion (``tiny``, ``chat``, ``reasoning``, ``notebook``), and
            which prompt is shown.
        episodes: games that each completion plays, 1 or more.
        preset: the reward components.
        weights: of single components, in place of the preset's.
        block: whose seeds are played. Blocks are disjoint: measure on ``validation`` or ``test`` what learns on
            ``train``.
        salt: of the block ``train``; other blocks have a salt of their own. With the default, all runs share games.
        require: sandbox layers without which nothing is played.

    Raises:
        UnknownNameError: there is no such environment, contract, preset or block.
        ConfigError: a weight of no component, or a number of episodes below 1.
        EnvError: the environment cannot be loaded.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        env: str | Task = "2048",
        *,
        contract: str = "chat",
        episodes: int = 4,
        preset: str = "envrl",
        weights: Mapping[str, float] | None = None,
        block: Block = "train",
        salt: str = "",
        require: Sequence[str] = LEAST,
    ) -> None:
        if contract not in CONTRACTS:
            raise UnknownNameError("output contract", contract, CONTRACTS)
        if type(episodes) is not int or episodes < 1:
            raise ConfigError(
                f"PromptEnv: episodes is {episodes!r}: give the number of games of a completion, 1 or more"
            )
        self.task = env if isinstance(env, Task) else find_task(env)
        self.observation_space = AnyText(len(self.task.prompt(contract)))
        self.action_space = AnyText(_LONGEST)
        # As `gymnasium.make` would set it: whoever copies an environment makes it again from this.
        self.spec = EnvSpec(
            _ID,
            entry_point=f"{__name__}:{type(self).__name__}",
            kwargs={
                "env": env,
                "contract": contract,
                "episodes": episodes,
                "preset": preset,
                "weights": weights,
                "block": block,
                "salt": salt,
                "require": require,
            },
        )
        self._prompt = self.task.prompt(contract)
        self._episodes = episodes
        self._here = _Here(self.task, require)
        salt = block_salt(block, self.task.id, self.task.version, salt)
        self._scorer = Scorer(self._here, contract, find_preset(preset, weights), block, salt)
        self._seeds: tuple[int, ...] | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Chooses the games of the next completion.

        Args:
            seed: of all choices from here on; without one, the next choice goes on from the last.
            options: ``{"seeds": indices}`` plays these: a text such as ``"0:16"``, a count, or a sequence.

        Returns:
            The prompt, and ``{"seeds": indices}``.

        Raises:
            ConfigError: another option.
            SeedError: indices that are none.
            gymnasium.error.ClosedEnvironmentError: the environment was closed.
        """
        super().reset(seed=seed)
        self._here.check_open()
        named = dict(options or {})
        wanted = named.pop("seeds", None)
        if named:
            raise ConfigError(f"PromptEnv: options {options!r} of reset: the only one there is is 'seeds'")
        if wanted is None:
            self._seeds = tuple(self.np_random.integers(_INDICES, size=self._episodes).tolist())
        else:
            self._seeds = _indices(wanted)
        return self._prompt, {"seeds": list(self._seeds)}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Plays a completion's program on the games that `reset` chose.

        Args:
            action: the completion.

        Returns:
            The prompt again, the reward, True, False, and the info that the class describes.

        Raises:
            gymnasium.error.ResetNeeded: no games have been chosen since the last completion.
            gymnasium.error.InvalidAction: the completion is no ``str``.
            gymnasium.error.ClosedEnvironmentError: the environment was closed.
            EnvError: the environment that was played failed, so that there is no reward; `reset` and go on.
            SandboxError: the sandbox cannot be set up, or not as strongly as required.
        """
        self._here.check_open()
        if self._seeds is None:
            raise gymnasium.error.ResetNeeded("PromptEnv: a completion takes one step: call reset() before each")
        if not isinstance(action, str):
            raise gymnasium.error.InvalidAction(
                f"PromptEnv: the action is of type {type(action).__name__}: give the completion as a str"
            )
        seeds, self._seeds = self._seeds, None
        (scored,) = self._scorer.score([action], [seeds])
        if scored.total is None:
            raise EnvError(f"{self.task.id}: no reward can be made of this completion: {_what_failed(scored)}")
        info = {
            "seeds": list(seeds),
            "rewards": scored.rewards,
            "outcome": _worst(scored.card).value,
            "success": scored.card.success,
            "scorecard": scored.card,
        }
        return self._prompt, scored.total, True, False, info

    def close(self) -> None:
        """Ends the sandbox with all its workers."""
        self._here.close()
        super().close()


class _Here:
    """Plays in this process. The sandbox starts when it is first wanted, so that a fresh environment can be copied."""

    def __init__(self, task: Task, require: Sequence[str]) -> None:
        self._task, self._require = task, require
        self._players: LocalPlayers | None = None
        self._closed = False

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        if not assignments:
            return []
        if self._players is None:
            self._players = LocalPlayers(self._task, require=self._require)
        return self._players.play(assignments)

    def play_ahead(self, assignments: Sequence[Assignment] = ()) -> None:
        """Begins nothing: the completion is there when the step is taken."""

    def check_open(self) -> None:
        if self._closed:
            raise gymnasium.error.ClosedEnvironmentError("PromptEnv: it was closed: make a new one")

    def close(self) -> None:
        self._closed = True
        if self._players is not None:
            self._players.close()
            self._players = None


def _indices(wanted: Any) -> tuple[int, ...]:
    if type(wanted) in (int, str):
        return tuple(parse_indices(wanted))
    indices = tuple(wanted) if isinstance(wanted, Sequence) else ()
    if not indices or any(type(index) is not int for index in indices):
        raise SeedError(
            f"PromptEnv: seeds {wanted!r}: write a count such as 16, a range such as '0:16', or a list of ints"
        )
    episode_seeds("", "train", indices)  # raises for those out of range
    return indices


def _worst(card: Scorecard) -> Outcome:
    """How a completion ended: by itself, or as the worst of its games did."""
    if card.outcome is not None:
        return card.outcome
    return min((episode.outcome for episode in card.episodes), key=lambda o: (SAFETY[o], o is Outcome.SUCCESS))


def _what_failed(scored: Scored) -> str:
    ours = Outcome.INFRASTRUCTURE_ERROR
    card = scored.card
    if card.outcome is ours:
        return card.detail
    return next(f"seed {e.index}: {e.detail}" for e in card.episodes if e.outcome is ours)
