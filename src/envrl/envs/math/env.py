"""Math problems as a Gymnasium environment of one step."""

from __future__ import annotations

import string
from typing import Any

import gymnasium
import msgspec
from gymnasium import spaces

from envrl.envs.math.draw import Draw
from envrl.envs.math.families import FAMILIES, find_families
from envrl.envs.math.family import Instance
from envrl.envs.math.games import check_options, is_right

__all__ = ["MathProgramEnv"]

_CHARACTERS = string.digits + string.ascii_letters + string.punctuation + " "
_LONGEST_PROBLEM = 2_000
_LONGEST_ANSWER = 200


class MathProgramEnv(gymnasium.Env[str, str]):
    """One math problem: observe it, answer it, done.

    **Observation**: a text. With ``view="parameters"`` the JSON object ``{"family": name, "parameters": [...]}``, with
    ``view="text"`` the problem in words. **Action**: a text that holds the answer: a number as people write it
    (``12``, ``3/4``, ``1,234``), or the wanted word. **Reward**: 1 if it is exactly right, else 0. Each episode
    terminates after one step.

    **Info**: ``family``, ``level``, ``is_success``. Neither the seed nor the answer is in it.

    Args:
        family: a template family, an area, or ``all``: then each episode draws one.
        level: 1 to 3.
        view: ``parameters`` or ``text``.
        render_mode: None or ``"ansi"``.

    Raises:
        ConfigError: the level is outside its range.
        UnknownNameError: there is no such family or view.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 (declared so by gymnasium.Env)

    def __init__(
        self, family: str = "all", level: int = 1, view: str = "parameters", render_mode: str | None = None
    ) -> None:
        check_options(level, view)
        self._families = find_families(family)
        self._level = level
        self._view = view
        self.render_mode = render_mode
        self.observation_space = spaces.Text(_LONGEST_PROBLEM, min_length=1, charset=_CHARACTERS)
        self.action_space = spaces.Text(_LONGEST_ANSWER, min_length=1, charset=_CHARACTERS)
        self._problem: Instance | None = None
        self._answered = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start with a new problem.

        Args:
            seed: its low 63 bits are the problem's seed; without one, the seed is drawn from ``np_random``.
            options: none are known.

        Returns:
            The observation and the info.
        """
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(2**63))
        name = Draw(seed, "family").choice(self._families)
        self._problem = FAMILIES[name].instance(self._level, seed)
        self._answered = False
        return self._observation(self._problem), self._info(self._problem, right=False)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Answer the problem.

        Returns:
            Observation (the same problem), reward, terminated (always True), truncated (always False), info.

        Raises:
            gymnasium.error.ResetNeeded: there is no problem yet, or it has been answered.
            gymnasium.error.InvalidAction: the action is no text.
        """
        problem = self._asked()
        if self._answered:
            raise gymnasium.error.ResetNeeded("math: this problem has been answered: call reset() for the next")
        if not isinstance(action, str):
            raise gymnasium.error.InvalidAction(f"math: action {action!r} is no text: give the answer as a str")
        self._answered = True
        right = is_right(problem.family, problem.answer, str(action))
        return self._observation(problem), float(right), True, False, self._info(problem, right)

    def render(self) -> str | None:
        """The problem in words in render mode ``"ansi"``, else None.

        Raises:
            gymnasium.error.ResetNeeded: there is no problem yet.
        """
        return None if self.render_mode is None else self._asked().text

    def _asked(self) -> Instance:
        if self._problem is None:
            raise gymnasium.error.ResetNeeded("math: there is no problem yet: call reset() first")
        return self._problem

    def _observation(self, problem: Instance) -> str:
        if self._view == "text":
            return problem.text
        return msgspec.json.encode({"family": problem.family.name, "parameters": problem.parameters}).decode()

    def _info(self, problem: Instance, right: bool) -> dict[str, Any]:
        return {"family": problem.family.name, "level": self._level, "is_success": right}
