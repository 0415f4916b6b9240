"""The group ``method``: which stage of training, and how its figures become a gradient."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from envrl.config.groups.base import Flag, Group, Text

__all__ = ["PLAY_METHODS", "STAGE_LOSSES", "MethodConfig"]

PLAY_METHODS = ("grpo", "rloo")
"""The stages that play; the others train on ``dataset``."""

STAGE_LOSSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "grpo": ("dapo", "grpo", "dr_grpo", "bnpo", "cispo", "sapo", "luspo", "vespo"),
        "rloo": (),
        "pt": ("nll", "dft"),
        "sft": ("nll", "dft"),
        "reward": (),
        "dpo": tuple(
            "sigmoid hinge ipo exo_pair nca_pair robust bco_pair sppo_hard aot aot_unpaired apo_zero apo_down discopop "
            "sft sigmoid_norm".split()
        ),
        "orpo": (),
        "simpo": ("simpo", "sigmoid", "hinge", "ipo"),
        "kto": ("kto", "apo_zero_unpaired"),
    }
)
"""The losses of each stage as TRL 1.16 names them, the usual one first; empty where there is no choice."""

_USUAL_BETA = {"grpo": 0.0, "rloo": 0.05, "dpo": 0.1, "orpo": 0.1, "simpo": 2.0, "kto": 0.1}
_USUAL_GAMMA = 0.5

_Loss = Literal[
    "dapo",
    "grpo",
    "dr_grpo",
    "bnpo",
    "cispo",
    "sapo",
    "luspo",
    "vespo",
    "nll",
    "dft",
    "sigmoid",
    "hinge",
    "ipo",
    "exo_pair",
    "nca_pair",
    "robust",
    "bco_pair",
    "sppo_hard",
    "aot",
    "aot_unpaired",
    "apo_zero",
    "apo_down",
    "discopop",
    "sft",
    "sigmoid_norm",
    "simpo",
    "kto",
    "apo_zero_unpaired",
]


class MethodConfig(Group):
    """Which stage of training, and how its figures become a gradient."""

    name: Literal["grpo", "rloo", "pt", "sft", "reward", "dpo", "orpo", "simpo", "kto"] = Field(
        default="grpo", description="training method; grpo and rloo play, the others train on dataset"
    )
    num_generations: int = Field(default=8, ge=2, description="completions of a group, compared with one another")
    temperature: float = Field(default=1.0, gt=0, description="sampling temperature")
    top_p: float = Field(default=1.0, gt=0, le=1, description="probability mass that is sampled from")
    top_k: int | None = Field(default=None, ge=1, description="most tokens that are sampled from; null is all")
    min_p: float | None = Field(default=None, ge=0, le=1, description="least probability, relative to the best token")
    max_completion_length: int = Field(default=256, ge=1, description="most tokens of a completion")
    max_prompt_length: int | None = Field(
        default=None, ge=1, description="most tokens of a prompt; a longer one is an error, never cut; null is no check"
    )
    beta: float | None = Field(
        default=None,
        ge=0,
        description="weight that holds to the reference (orpo: of the odds ratio; simpo: scale of rewards); null is "
        "the stage's usual",
    )
    loss_type: _Loss | None = Field(default=None, description="the stage's loss, as TRL names it; null is the usual")
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=0.5, description="share of pairs that are believed to be labelled the wrong way round"
    )
    ftx: float = Field(default=0.0, ge=0, description="weight of an SFT term on chosen completions (pref_ftx)")
    gamma: float | None = Field(
        default=None, ge=0, description="margin that simpo asks for between chosen and rejected; null is 0.5"
    )
    chosen_weight: float = Field(default=1.0, gt=0, description="weight of desirable rows of kto")
    rejected_weight: float = Field(default=1.0, gt=0, description="weight of undesirable rows of kto")
    ref_model: Text | None = Field(
        default=None, description="reference model; null is the model as it was before training"
    )
    ref_model_adapters: Text | None = Field(default=None, description="adapter to load on the reference model")
    ref_model_quantization_bit: Literal[4, 8] | None = Field(
        default=None, description="bits that the reference model is quantized to; null is none"
    )
    reward_model: Text | None = Field(default=None, description="model that scores completions of grpo and rloo")
    reward_model_type: Literal["full", "lora", "api"] = Field(
        default="full", description="whether reward_model is a whole model, an adapter on the base, or a server"
    )
    scale_rewards: Literal["group", "batch", "none"] = Field(
        default="group", description="whose standard deviation divides the rewards"
    )
    entropy_coef: float = Field(
        default=0.0, ge=0, description="weight of the entropy bonus, over the tokens that top_k, top_p and min_p leave"
    )
    tail_coef: float = Field(
        default=0.0, ge=0, description="weight of a term that presses on the tokens that top_k, top_p and min_p hide"
    )
    max_kl: float | None = Field(
        default=None,
        gt=0,
        description="most that one update may change the policy, in nats per token; one that goes further is halved "
        "until it does not; null is no bound",
    )
    epsilon: float = Field(default=0.2, ge=0, description="clipping below, and above unless epsilon_high is set")
    epsilon_high: float | None = Field(default=None, ge=0, description="clipping above; null is epsilon")
    mask_truncated_completions: Flag = Field(
        default=False, description="leave completions that hit the length limit out of the loss"
    )
    steps_per_generation: int | None = Field(
        default=None, ge=1, description="batches sampled at once; null is gradient_accumulation_steps"
    )
    num_iterations: int = Field(default=1, ge=1, description="times that each sampled batch is used")
    pre_sft: Text | None = Field(
        default=None,
        description="data set of fine-tuning before play, from which a base model learns the format; null is none",
    )
    pre_sft_steps: int = Field(default=50, ge=1, description="optimiser steps of pre_sft")
    pre_sft_learning_rate: float | None = Field(
        default=None, gt=0, le=1, description="peak learning rate of pre_sft; null is train.learning_rate"
    )

    @property
    def cuts(self) -> tuple[str, ...]:
        """The fields that cut the tail of the distribution off before a token is drawn."""
        on = {"min_p": bool(self.min_p), "top_k": self.top_k is not None, "top_p": self.top_p < 1}
        return tuple(name for name, cut in on.items() if cut)

    @property
    def heeds_cuts(self) -> bool:
        """Whether the loss takes notice of what sampling hides."""
        return bool(self.cuts and (self.entropy_coef or self.tail_coef))

    @property
    def plays(self) -> bool:
        """Whether this stage learns from play; the others train on ``dataset``."""
        return self.name in PLAY_METHODS

    @property
    def effective_beta(self) -> float:
        """``beta``, or the stage's usual: TRL's defaults, and for simpo that of its paper (arXiv 2405.14734)."""
        if self.beta is not None:
            return self.beta
        if self.name == "simpo" and self.effective_loss_type != "simpo":
            return _USUAL_BETA["dpo"]  # CPO: the same term as DPO's, without a reference
        return _USUAL_BETA.get(self.name, 0.0)

    @property
    def effective_loss_type(self) -> str | None:
        """``loss_type``, or the stage's usual; None for a stage that has only one."""
        usual = STAGE_LOSSES[self.name][:1]
        return self.loss_type or (usual[0] if usual else None)

    @property
    def effective_gamma(self) -> float:
        """``gamma``, or TRL's usual."""
        return _USUAL_GAMMA if self.gamma is None else self.gamma
