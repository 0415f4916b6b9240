"""YAML with places: how scalars are read, and what is no YAML."""

import math

import pytest

from envrl.config.document import plain, read_document, read_scalar
from envrl.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("5E3", 5e3),
        ("-1.", -1.0),
        (".5", 0.5),
        ("2048", 2048),
        ("0x10", 16),
        ("0o17", 15),
        ("017", 17),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-01-31", "2026-01-31"),
        ("1e", "1e"),
        (".", "."),
        ("-.inf", -math.inf),
        ("1" * 5000, math.inf),
    ],
)
def test_unquoted_scalars_are_read_as_yaml_1_2(text, value):
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)


def write(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_each_value_knows_its_place_and_that_of_its_key(tmp_path):
    path = write(tmp_path, "a:\n  bb: [1, '2']\n")
    root, problems = read_document(path)
    assert not problems
    assert plain(root) == {"a": {"bb": [1, "2"]}}
    node = root.value["a"].value["bb"]
    assert str(node.key) == f"{path}:2:3"
    assert str(node.place) == f"{path}:2:7"
    assert node.place.origin == f"{path}:2"
    assert str(node.value[1].place) == f"{path}:2:11"


def test_an_empty_file_is_an_empty_configuration(tmp_path):
    root, _ = read_document(write(tmp_path, "# nothing\n"))
    assert plain(root) == {}


def test_aliases_are_followed(tmp_path):
    root, _ = read_document(write(tmp_path, "a: &x {k: 1}\nb: *x\n"))
    assert plain(root) == {"a": {"k": 1}, "b": {"k": 1}}


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("a:\n\tb: 1\n", "2:1", "indent with spaces"),
        ("a: [1,\nb: 2\n", "3:1", "not YAML"),
        ("a: 'open\n", "2:1", "not YAML"),
        ("a: 1\n---\nb: 2\n", "2:1", "not YAML"),
        ("a: *nowhere\n", "1:4", "not YAML"),
        ("a: 1\nb: \x07\n", "2:4", "U+0007"),
        ("- a\n", "1:1", "expected groups of keys"),
        ("just text\n", "1:1", "expected groups of keys"),
        ("[" * 5000, "1:1", "nested too deeply"),
        ("a: &x [*x]\n", "1:4", "an alias that holds itself"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path, text, place, what):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{place}: ")
    assert what in message
    assert "\n" not in message


def test_files_that_are_no_text_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"c\.yaml: not UTF-8 text \(byte 3\)"):
        read_document(write(tmp_path, b"a: \xff"))
    with pytest.raises(ConfigError, match=r"none\.yaml: no such configuration file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path)


def test_duplicate_keys_tags_and_odd_keys_are_problems(tmp_path):
    path = write(tmp_path, "a: 1\na: 2\nb: !!int 3\n[x]: 4\n")
    root, problems = read_document(path)
    assert plain(root) == {"a": 1, "b": 3}
    assert [str(problem) for problem in problems] == [
        f"{path}:2:1: a: key given twice (first at line 1); keep one of them",
        f"{path}:3:4: b: YAML tags mean nothing here ('tag:yaml.org,2002:int' met); remove it",
        f"{path}:4:1: a key must be a word; quote it if it is one",
    ]
