"""An environment for envrl, registered when this package is imported."""

from typing import Any

import envrl
import gymnasium
import numpy as np


@envrl.register("demo/drone-v0", short="demo", max_episode_steps=30, success="return >= 1")
class Drone(gymnasium.Env[Any, Any]):
    """Land a drone on a boat that drifts.

    The observation is where the two are, [drone, boat]. Each step moves the drone by 1, to the left with action 0, to
    the right with action 1. It comes down after 30 steps: within 1.5 of the boat the return is 1, further off less.
    """

    observation_space = gymnasium.spaces.Box(-100.0, 100.0, (2,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)  # makes self.np_random: all chance comes from there
        self.left, self.drone = 30, 0.0
        self.boat, self.drift = self.np_random.uniform(-10.0, 10.0), self.np_random.uniform(-0.6, 0.6)
        return self._observe(), {}

    def step(self, action: Any) -> Any:
        self.left -= 1
        self.drone += 1.0 if action == 1 else -1.0
        self.boat += self.drift + self.np_random.normal(0.0, 0.5)
        landed = self.left == 0
        reward = 1.5 / max(1.5, abs(self.drone - self.boat)) if landed else 0.0
        return self._observe(), reward, landed, False, {}

    def _observe(self) -> Any:
        return np.array([self.drone, self.boat]).clip(-100.0, 100.0)
