"""Lines of keys in TOML: the one that is meant, not the first that looks like it."""

import tomllib

import pytest

from refmaster.toml_lines import line_of, lines_of

TEXT = '''\
schema = 1 # schema = 2
"odd key" = "schema = 3"
a.b = 1

[request]
only = [
    "tone", # only = 5
    "[move]",
]
note = """
[move]
id = "no"
a \\""" still
"""
plain = \'\'\'
id = "neither"\'\'\'

[[move]]
id = "one"

[move.values]
q = 1.0

[[move.because]]
feature = "x"

[[move.because]]
feature = "y"

[[move]]
id = "two"
  [move.values]
  q = 2.0
inline = {q = 3.0, values = [{a = "]"}]}
'''


def test_the_text_is_toml():
    assert tomllib.loads(TEXT)["move"][1]["values"]["inline"]["q"] == 3.0


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("schema",), 1),
        (("odd key",), 2),
        (("a", "b"), 3),
        (("request",), 5),
        (("request", "only"), 6),
        (("request", "only", 1), 6),
        (("request", "note"), 10),
        (("request", "plain"), 15),
        (("move", 0), 18),
        (("move", 0, "id"), 19),
        (("move", 0, "values", "q"), 22),
        (("move", 0, "because", 1, "feature"), 28),
        (("move", 1, "id"), 31),
        (("move", 1, "values", "q"), 33),
        (("move", 1, "values", "inline", "values", 0, "a"), 34),
        (("move", 1, "missing"), 30),
        (("nowhere",), None),
    ],
)
def test_a_key_is_at_its_line(where, line):
    assert line_of(lines_of(TEXT), where) == line
