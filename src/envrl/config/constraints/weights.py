"""Weights: what is quantized, what is trained, and what a reference would be made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envrl.config.constraints.violation import Constraint, Violation

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["CONSTRAINTS"]

_QUANTIZATIONS = ("load_in_4bit", "load_in_8bit", "load_in_fp8")


def _quantized_weights_need_adapters(config: RunConfig) -> Iterator[Violation]:
    if config.model.lora is not None:
        return
    for field in _QUANTIZATIONS:
        if getattr(config.model, field):
            yield Violation(
                (f"model.{field}", "model.lora"),
                "quantized weights cannot be trained themselves; add adapters, for example "
                "model.lora: {r: 16, alpha: 32}",
            )


def _one_quantization(config: RunConfig) -> Iterator[Violation]:
    if config.model.load_in_4bit and config.model.load_in_8bit:
        yield Violation(
            ("model.load_in_8bit", "model.load_in_4bit"),
            "weights are quantized to 4 bits or to 8 (both are true); set one of them to false",
        )
    if config.model.load_in_fp8 and (config.model.load_in_4bit or config.model.load_in_8bit):
        other = "load_in_4bit" if config.model.load_in_4bit else "load_in_8bit"
        yield Violation(
            ("model.load_in_fp8", f"model.{other}"),
            f"weights are 8-bit floats or quantized (load_in_fp8 and {other} are both true); set one of them to false",
        )


def _what_unsloth_does(config: RunConfig) -> Iterator[Violation]:
    model = config.model
    if model.load_in_fp8 and model.backend != "unsloth":
        yield Violation(
            ("model.load_in_fp8", "model.backend"),
            f"Unsloth alone trains on 8-bit floats (backend {model.backend} met); set model.backend to unsloth, or "
            "load_in_8bit in its place",
        )
    if model.backend == "unsloth" and model.generation == "vllm" and model.vllm.mode == "server":
        yield Violation(
            ("model.vllm.mode", "model.backend"),
            "Unsloth's vLLM shares the weights of the training process (server met); set mode to colocate, or "
            "model.backend to transformers",
        )
    method = config.method
    if model.backend != "unsloth":
        return
    if method.max_kl is not None:
        yield Violation(
            ("method.max_kl", "model.backend"),
            "updates are judged by TRL's own pass through the model, and Unsloth has another; set max_kl to "
            "null, or model.backend to transformers",
        )
    if method.entropy_coef and method.cuts:
        yield Violation(
            ("method.entropy_coef", f"method.{method.cuts[0]}", "model.backend"),
            "Unsloth's own loss takes the entropy of the whole vocabulary, and lifts the tokens that "
            f"{method.cuts[0]} hides until they break in; set entropy_coef to 0, remove {' and '.join(method.cuts)}, "
            "or set model.backend to transformers",
        )
    if method.tail_coef:
        yield Violation(
            ("method.tail_coef", "model.backend"),
            "Unsloth's own loss has no such term; set tail_coef to 0, or model.backend to transformers",
        )


def _a_server_has_an_address(config: RunConfig) -> Iterator[Violation]:
    vllm = config.model.vllm
    if vllm.mode == "server" and vllm.server_base_url is None:
        yield Violation(
            ("model.vllm.mode", "model.vllm.server_base_url"),
            "a server is asked for and none is named; set model.vllm.server_base_url, such as http://localhost:8000",
        )
    if vllm.mode == "colocate" and vllm.server_base_url is not None:
        yield Violation(
            ("model.vllm.server_base_url", "model.vllm.mode"),
            "names a server, and vLLM runs within the training process (mode colocate met); set mode to server, or "
            "remove it",
        )


def _trained_adapters_go_on_as_adapters(config: RunConfig) -> Iterator[Violation]:
    if config.model.adapter is not None and config.model.lora is None:
        yield Violation(
            ("model.adapter", "model.lora"),
            "a trained adapter is trained on as an adapter; add model.lora with its rank, for example "
            "{r: 8, alpha: 16}, or merge it into the model and give the result as model.path",
        )


def _pissa_splits_whole_weights(config: RunConfig) -> Iterator[Violation]:
    model, method = config.model, config.method
    if model.lora is None or not model.lora.pissa:
        return
    if quantized := [name for name in _QUANTIZATIONS if getattr(model, name)]:
        field = f"model.{quantized[0]}"
        yield Violation(
            ("model.lora.pissa", field),
            f"principal components are those of whole weights, and {field} quantizes them; set one of them to false",
        )
    if model.adapter is not None:
        yield Violation(
            ("model.lora.pissa", "model.adapter"),
            "principal components are a start, and model.adapter is trained already; set pissa to false",
        )
    # It moves the base weights, so that the base without its adapter is no longer the model as it was.
    if method.name in ("dpo", "kto") or (method.plays and method.effective_beta):
        against = f"{method.name} holds the model to what it was before training"
        ways = " or method.beta to 0" if method.plays else ""
        yield Violation(
            ("model.lora.pissa", "method.name"),
            f"{against}, and pissa leaves no such reference; set pissa to false{ways}",
        )


CONSTRAINTS: tuple[Constraint, ...] = (
    _what_unsloth_does,
    _a_server_has_an_address,
    _quantized_weights_need_adapters,
    _one_quantization,
    _trained_adapters_go_on_as_adapters,
    _pissa_splits_whole_weights,
)
