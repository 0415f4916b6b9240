"""The schema: defaults, strictness, bounds, and the mirror of the sandbox's limits."""

import msgspec
import pytest
from pydantic import ValidationError

from envrl.config import LimitsConfig, MethodConfig, RunConfig, TrainConfig, leaf_fields
from envrl.limits import Limits


def test_the_defaults_are_a_valid_run():
    config = RunConfig()
    assert config.model.path == "tiny"
    assert config.env.id == "2048"
    assert config.sandbox.require == ["limits", "no_new_privs", "seccomp"]


def test_every_field_has_a_description_of_one_line():
    for name, info in leaf_fields().items():
        assert info.description, name
        assert "\n" not in info.description, name


def test_limits_mirror_the_sandbox_limits():
    assert list(LimitsConfig.model_fields) == list(Limits.__struct_fields__)


def test_limits_are_laid_over_those_of_a_task():
    base = Limits(call_cpu=3.0)
    assert LimitsConfig().over(base) == base
    limits = LimitsConfig(memory=2**24).over(base)
    assert limits == msgspec.structs.replace(base, memory=2**24)


def test_values_of_the_wrong_type_are_refused():
    for wrong in ("80", "abc", 1.5, True):
        with pytest.raises(ValidationError):
            TrainConfig.model_validate({"max_steps": wrong})


def test_infinities_are_refused():
    with pytest.raises(ValidationError):
        TrainConfig(learning_rate=float("inf"))
    with pytest.raises(ValidationError):
        RunConfig.model_validate({"env": {"options": {"p": float("nan")}}})


def test_a_config_built_in_python_is_checked_for_constraints():
    with pytest.raises(ValidationError, match="groups of 6"):
        RunConfig(method=MethodConfig(num_generations=6))


def test_a_config_is_frozen():
    with pytest.raises(ValidationError):
        RunConfig().train.max_steps = 3


def test_options_keep_the_types_of_their_values():
    options = {"a": True, "b": 1, "c": 1.0, "d": "x"}
    kept = RunConfig.model_validate({"env": {"options": options}}).env.options
    assert [(key, type(value)) for key, value in kept.items()] == [("a", bool), ("b", int), ("c", float), ("d", str)]


@pytest.mark.parametrize(
    ("warmup", "fits"), [(5, True), (0.5, True), (0, True), (1.0, False), (1.5, False), (-1, False)]
)
def test_warmup_is_steps_or_a_share(warmup, fits):
    if fits:
        assert TrainConfig(warmup_steps=warmup).warmup_steps == warmup
    else:
        with pytest.raises(ValidationError):
            TrainConfig(warmup_steps=warmup)
