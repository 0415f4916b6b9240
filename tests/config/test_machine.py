"""Precision against the machine."""

import pytest

from envrl.config import check_machine, load_config
from envrl.config.machine import cpu_flags
from envrl.errors import ConfigError


def config(*overrides):
    return load_config(None, overrides).config


def test_bfloat16_needs_a_cpu_that_has_it():
    with pytest.raises(ConfigError, match=r"train\.bf16: this CPU does not .*; set train\.bf16 to false, or"):
        check_machine(config("bf16=true"), "cpu", {"sse2", "avx2"})
    for flag in ("avx512_bf16", "amx_bf16", "bf16"):
        check_machine(config("bf16=true"), "cpu", {"sse2", flag})
    check_machine(config("bf16=true"), "cuda", {"sse2"})
    check_machine(config("bf16=true"), "cpu", set())  # nothing is known
    check_machine(config(), "cpu", {"sse2"})


def test_float16_needs_a_gpu():
    with pytest.raises(ConfigError, match=r"train\.fp16: float16 mixed precision needs a GPU .*; set it to false"):
        check_machine(config("fp16=true"), "cpu", {"avx512_bf16"})
    check_machine(config("fp16=true"), "cuda", set())


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("processor : 0\nflags\t\t: fpu avx2\n\nprocessor : 1\nflags : fpu\n", {"fpu", "avx2"}),
        ("Features : fp asimd bf16\n", {"fp", "asimd", "bf16"}),
        ("model name : x\n", set()),
    ],
)
def test_flags_are_those_of_the_first_processor(tmp_path, text, flags):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert cpu_flags(path) == flags


def test_where_linux_is_not_nothing_is_known(tmp_path):
    assert cpu_flags(tmp_path / "none") == frozenset()
