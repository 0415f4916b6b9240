"""What a run needs, worked out before it starts: bytes of memory, and arithmetic. Pure functions of sizes."""

from __future__ import annotations

from typing import NamedTuple

from envrl.config import RunConfig
from envrl.models.shapes import ModelShape

__all__ = [
    "MemoryEstimate",
    "Work",
    "estimate_memory",
    "estimate_work",
    "fits",
    "guess_tokens",
    "rows_of_a_pass",
    "seconds_of_work",
]

_WIDTHS = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
_NF4 = 0.5 + 4 / 64  # 4 bits, and a float32 scale for each block of 64 (arXiv 2305.14314; bitsandbytes' default)
_ADAM_STATES = 2
_PAIRS = ("reward", "dpo", "orpo", "simpo")


class MemoryEstimate(NamedTuple):
    """Bytes on the device that trains.

    Attributes:
        weights: of the model.
        other_models: reference and reward models, and vLLM's own copy of the weights.
        trained: trained parameters that are not among the weights (adapters), gradients, and the optimiser's states.
        generating: keys and values of the completions that are sampled at once; 0 where nothing is sampled.
        updating: activations and logits of one backward pass.
    """

    weights: float
    other_models: float
    trained: float
    generating: float
    updating: float
    vllm_stays: bool = False

    @property
    def total(self) -> float:
        """The peak: sampling and updating take turns, unless vLLM keeps its memory all the while."""
        turns = (self.generating + self.updating) if self.vllm_stays else max(self.generating, self.updating)
        return self.weights + self.other_models + self.trained + turns


def rows_of_a_pass(config: RunConfig) -> int:
    """Sequences of one backward pass on a device: both sides of a pair count."""
    return config.train.per_device_train_batch_size * (2 if config.method.name in _PAIRS else 1)


def estimate_memory(config: RunConfig, shape: ModelShape, prompt_tokens: int, device: str) -> MemoryEstimate:
    """The bytes that a run needs on its device, at the longest sequences that it allows.

    With P parameters, M of them in the layers' matrices, T trained, w bytes a value, B sequences of L tokens in a
    backward pass, S completions sampled at once:

    * weights: P·w; of quantized ones M·q + (P - M)·w, with q = 0.5625 (4 bits: NF4, a float32 scale for each 64), 1
      (8 bits, 8-bit floats). Experts stay at w but with Unsloth.
    * trained: adapters 4·T; gradients 4·T (whole models: w·T); AdamW 8·T, an 8-bit AdamW 2·T; with
      ``max_kl`` the weights before an update, 4·T (whole models: w·T).
    * generating: 2·layers·kv_heads·head_dim·w bytes a token, S·L tokens.
    * updating: a token leaves (6·hidden + 5·queries + 5·keys + 4·intermediate)·w bytes in a layer: what transformers'
      layers keep for the way back when every operation stands alone (inputs of matrices, both sides of norms, rotated
      and unrotated queries and keys; no attention matrix). All layers, and one more for the gradients under way; with
      gradient checkpointing hidden·w in each layer and two layers whole. Logits, their logarithms and their gradient:
      3·B·(scored tokens)·vocabulary·4 bytes; 7 in place of 3 where sampling is cut off and the loss takes notice of it
      (`envrl.trainers.truncation`: 4.25 are saved for the way back). Libraries that fuse operations or make logits in
      parts need less.
    * other models: P·w each: the reference of a stage that has one (none with adapters, which are switched off for it),
      a reward model (taken to be of the same size), and colocated vLLM's copy (none with Unsloth, which shares it).

    `benchmarks/memory_estimate.py` holds it against measured growth of memory.
    Left out: the libraries themselves (about 1 GB of a GPU, 0.5 GB of RAM), buffers of matrix products, fragmentation.

    Args:
        prompt_tokens: of the prompt, for stages that play.
        device: ``cpu`` or ``cuda``.
    """
    model, method, train = config.model, config.method, config.train
    width = _width(config, device)
    small = _NF4 if model.load_in_4bit else 1.0 if model.load_in_8bit or model.load_in_fp8 else width
    # bitsandbytes makes linear layers smaller; experts are none in transformers, and Unsloth has its own way with them.
    experts_stay = shape.experts > 1 and model.backend != "unsloth"
    smaller = shape.layers * shape.attention if experts_stay else shape.matrices
    weights = smaller * small + (shape.parameters - smaller) * width

    lora = model.lora
    trained = shape.parameters if lora is None else shape.adapter_parameters(lora.r, lora.target_modules)
    state = 1.0 if "8bit" in train.optim else 4.0
    own = trained * (width if lora is None else 4.0 + 4.0)
    before = trained * (width if lora is None else 4.0) if method.max_kl is not None else 0.0
    memory_of_training = own + before + trained * _ADAM_STATES * state

    sampled = method.plays and method.max_completion_length
    length = prompt_tokens + method.max_completion_length if sampled else config.dataset.max_length
    scored = method.max_completion_length if sampled else length
    rows = rows_of_a_pass(config)
    computed = 2.0 if train.bf16 or train.fp16 else width
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    wide = shape.intermediate * shape.active_experts
    layer = (6 * shape.hidden + 5 * queries + 5 * keys + 4 * wide) * computed
    activations = (
        rows
        * length
        * (
            shape.layers * shape.hidden * computed + 2 * layer
            if train.gradient_checkpointing
            else (shape.layers + 1) * layer
        )
    )
    logits = (7.0 if method.heeds_cuts else 3.0) * rows * scored * shape.vocabulary * 4.0

    held_at_once = train.per_device_train_batch_size * (
        method.steps_per_generation or train.gradient_accumulation_steps
    )
    cache = held_at_once * length * shape.cache_values * min(width, 2.0 if device == "cuda" else width)
    return MemoryEstimate(
        weights=weights,
        other_models=_other_models(config) * shape.parameters * width,
        trained=memory_of_training,
        generating=cache if sampled else 0.0,
        updating=activations + logits,
        vllm_stays=model.generation == "vllm" and model.vllm.mode == "colocate" and not model.vllm.sleep_mode,
    )


def _width(config: RunConfig, device: str) -> float:
    """Bytes of a loaded value: of ``auto``, 16 bits, as the models of the Hub have; the tiny model has 32."""
    dtype = config.model.dtype
    if dtype == "auto":
        dtype = "float32" if config.model.path == "tiny" else "bfloat16"
    return _WIDTHS[dtype]


def _other_models(config: RunConfig) -> int:
    model, method = config.model, config.method
    named = method.ref_model is not None or method.ref_model_adapters is not None
    held_to_start = method.name in ("dpo", "kto") or (method.plays and method.effective_beta > 0)
    copied = model.generation == "vllm" and model.vllm.mode == "colocate" and model.backend != "unsloth"
    scores = method.reward_model is not None and method.reward_model_type == "full"
    return (named or (held_to_start and model.lora is None)) + scores + copied


def fits(memory: MemoryEstimate, config: RunConfig, total: float) -> bool:
    """Whether a run fits into ``total`` bytes, and colocated vLLM into the share that it is given."""
    if not (config.model.generation == "vllm" and config.model.vllm.mode == "colocate"):
        return memory.total <= total
    share = config.model.vllm.gpu_memory_utilization * total
    shared = config.model.backend == "unsloth"  # its vLLM holds the weights that are trained, too
    inside = memory.weights + memory.generating
    rest = memory.trained + memory.updating + (0.0 if shared else memory.weights)
    kept = share  # while the model trains
    if config.model.vllm.sleep_mode:
        kept = memory.weights if shared else 0.0
    return inside <= share and rest + kept <= total


def guess_tokens(text: str) -> int:
    """Tokens of a text whose tokenizer is not at hand, by OpenAI's rule of thumb of four characters each."""
    return -(-len(text) // 4)


class Work(NamedTuple):
    """The arithmetic of one optimiser step.

    Attributes:
        sampling: floating-point operations that write completions.
        read: bytes that sampling reads: weights and cache once for each token of the longest completion.
        updating: floating-point operations of passes that learn or score.
    """

    sampling: float
    read: float
    updating: float


def estimate_work(config: RunConfig, shape: ModelShape, prompt_tokens: int, memory: MemoryEstimate) -> Work:
    """The least arithmetic of an optimiser step, averaged over steps that use a batch again.

    A token costs 2 operations for each parameter that it meets on the way forward, 2 on the way back for its inputs,
    and 2 for the weights where whole ones are trained; gradient checkpointing goes forward twice (Kaplan et al. 2020,
    arXiv 2001.08361). A batch that is used again, or a reference, is scored once more.
    """
    model, method, train = config.model, config.method, config.train
    rows = rows_of_a_pass(config) * train.gradient_accumulation_steps
    plays = method.plays
    length = prompt_tokens + method.max_completion_length if plays else config.dataset.max_length
    passes = 2.0 + 2.0 + (2.0 if model.lora is None else 0.0) + (2.0 if train.gradient_checkpointing else 0.0)
    generated = (method.steps_per_generation or train.gradient_accumulation_steps) * method.num_iterations
    again = plays and (generated > train.gradient_accumulation_steps or method.num_iterations > 1)
    reference = method.name in ("dpo", "kto") or (plays and method.effective_beta > 0)
    updating = rows * length * shape.active * (passes + 2.0 * (again + reference))
    if not plays:
        return Work(0.0, 0.0, updating)
    share = 1.0 / method.num_iterations
    rounds = train.gradient_accumulation_steps / (method.steps_per_generation or train.gradient_accumulation_steps)
    read = (memory.weights + memory.generating / 2) * method.max_completion_length * rounds * share
    return Work(rows * length * shape.active * 2.0 * share, read, updating)


def seconds_of_work(work: Work, operations: float, bandwidth: float) -> float:
    """The least time of a step on a machine: sampling waits for arithmetic or memory, whichever is slower.

    Args:
        operations: floating-point operations a second, as measured.
        bandwidth: bytes a second, as measured.
    """
    return max(work.sampling / operations, work.read / bandwidth) + work.updating / operations
