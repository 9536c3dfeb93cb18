import json

import pytest

from audit.data import json_file as module
from audit.data.decode import digest_of
from audit.data.json_file import Form, plain_text, read_lists, refuse, twice
from audit.errors import DataError

FORM = Form("VQA", "annotations", ("annotations",))


@pytest.fixture
def read(tmp_path):
    def of(text, hook=None):
        (tmp_path / "x.json").write_text(text)
        return read_lists(tmp_path / "x.json", FORM, hook)

    return of


def test_a_file_of_lists(read):
    text = '{"annotations": [{"a": 1, "b": 2}], "more": 3}'
    held, digest = read(text)
    assert held == {"annotations": [{"a": 1, "b": 2}], "more": 3}
    assert digest == digest_of(text.encode())


def test_a_hook_replaces_each_object_as_it_is_read(read):
    def hook(entry):
        return entry if "annotations" in entry else sorted(entry)

    held, _ = read('{"annotations": [{"b": 1, "a": {"c": 2}}]}', hook)
    assert held == {"annotations": [["a", "b"]]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "is not a VQA file: it holds a list"),
        ("{", "is not JSON: Expecting property name"),
        ('{"annotations": 1}', "is not a VQA annotations file: it lacks the lists annotations; "),
        ("[" * 200_000, "is not JSON: maximum recursion depth"),
    ],
)
def test_no_such_file_of_lists(read, text, message):
    with pytest.raises(DataError) as error:
        read(text)
    assert message in str(error.value)


def test_a_missing_file_and_one_too_large(read, tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"VQA file '.*none\.json' .*: an annotations JSON is nee"):
        read_lists(tmp_path / "none.json", FORM)
    questions = Form("VQA", "questions", ("questions",))
    with pytest.raises(DataError, match="is a folder: a questions JSON is needed"):
        read_lists(tmp_path, questions)
    monkeypatch.setattr(module, "_LARGEST", 3)
    with pytest.raises(DataError, match="has 4 bytes, the limit is 3: split it, or leave out"):
        read("[12]")


def test_what_breaks_a_rule_is_shown(tmp_path):
    refuse(tmp_path, "no rule is broken", [])
    with pytest.raises(DataError) as error:
        refuse(tmp_path, "numbers below 3", [3, 4, 5, 6, "\ud800"])
    expected = f"{str(tmp_path)!r}: numbers below 3: 5 ('3', '4', '5' and 2 more)"
    assert str(error.value) == expected
    assert twice([1, 2, 1, "1", 3, 3]) == [1, 3]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("what color is the star?", "what color is the star?"),
        ("  a\tb\n c ", "a b c"),
        ("</script><b>", "</script><b>"),
        ("naïve 象 🐘", "naïve 象 🐘"),
        ("\u202eabc", "\u202eabc"),
        ("a\0b", None),
        ("a\x1b[31mb", None),
        ("a\x7f", None),
        ("\ud800", None),
        (" \n", None),
        ("", None),
        (1, None),
        (None, None),
        (["a"], None),
    ],
)
def test_plain_text(value, text):
    assert plain_text(value) == text


def test_plain_text_can_be_written(tmp_path):
    for code in [*range(0x300), *range(0xD7F0, 0xE010), 0xFFFF, 0x10FFFF]:
        line = plain_text(f"x{chr(code)}x")
        if line is not None:
            (tmp_path / "x").write_text(line, encoding="utf-8")
            assert json.loads(json.dumps(line)) == line
            assert "\n" not in line
