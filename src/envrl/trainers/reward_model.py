"""The reward model of ``method.reward_model``: one more reward of the stages that play, beside what play earns."""

from __future__ import annotations

from envrl.config import ModelConfig, RunConfig
from envrl.errors import ConfigError
from envrl.models import LoadedModel, load_model
from envrl.trainers.agreement import require_same_tokens

__all__ = ["reward_model"]


def reward_model(loaded: LoadedModel, config: RunConfig, device: str) -> LoadedModel | None:
    """The model that scores completions, frozen; None where a configuration names none.

    Args:
        loaded: the model that is trained, whose base an adapter (``reward_model_type: lora``) sits on.

    Raises:
        ModelError: there is no such model, or its tokens are not those of the trained one.
        ConfigError: it is a server.
    """
    method = config.method
    if method.reward_model is None:
        return None
    if method.reward_model_type == "api":
        raise ConfigError(
            f"method.reward_model_type: envrl asks no server for scores yet (api met for {method.reward_model!r}); "
            "give a model's folder or id, and full or lora"
        )
    adapter = method.reward_model if method.reward_model_type == "lora" else None
    scoring = load_model(
        ModelConfig(
            path=loaded.path if adapter else method.reward_model,
            adapter=adapter,
            dtype=config.model.dtype,
            trust_remote_code=config.model.trust_remote_code,
        ),
        device,
        config.train.seed,
        chat=False,
        scores=True,
    )
    require_same_tokens(loaded.tokenizer, scoring.tokenizer, "method.reward_model", method.reward_model)
    model = scoring.model.merge_and_unload() if adapter else scoring.model
    return LoadedModel(model.eval().requires_grad_(False), scoring.tokenizer, scoring.path)
