import sys

import pytest

from audit.errors import ConfigError, DataError, ModelError
from audit.user_code import call_named, is_function_name


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes ``made_for_this.py`` to the current folder, as a user would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "made_for_this", raising=False)
    yield (tmp_path / "made_for_this.py").write_text
    sys.modules.pop("made_for_this", None)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a:b", True),
        ("a.b_c:d2", True),
        ("a", False),
        (":b", False),
        ("a:", False),
        ("a:b:c", False),
        ("a.b:c.d", False),
        ("2a:b", False),
        ("folder/a:b", False),
    ],
)
def test_the_form_of_a_functions_name(name, is_one):
    assert is_function_name(name) is is_one


def test_what_the_function_returns_is_handed_on(module):
    module("def make():\n    return [1, 2]\n")
    assert call_named("made_for_this:make", "--dataset", DataError) == [1, 2]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("sys.exit()", "it called sys.exit()"),
        ("sys.exit(2)", "it called sys.exit(2)"),
        ("sys.exit('no such disk')", "it called sys.exit('no such disk')"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
    ],
)
@pytest.mark.parametrize(("flag", "error"), [("--dataset", DataError), ("--model", ModelError)])
def test_a_function_that_fails_or_exits_is_named_in_one_line(module, call, said, flag, error):
    module(f"import sys\ndef make():\n    {call}\n")
    with pytest.raises(error) as caught:
        call_named("made_for_this:make", flag, error)
    assert str(caught.value) == f"{flag} made_for_this:make: make() failed: {said}"


def test_a_module_that_exits_when_imported_is_named(module):
    module("import sys\nsys.exit(1)\n")
    with pytest.raises(
        DataError, match=r"importing 'made_for_this' failed \(it called sys.exit\(1"
    ):
        call_named("made_for_this:make", "--dataset", DataError)


@pytest.mark.parametrize("text", ["raise KeyboardInterrupt", "def make(): raise KeyboardInterrupt"])
def test_a_person_may_still_interrupt_it(module, text):
    module(text)
    with pytest.raises(KeyboardInterrupt):
        call_named("made_for_this:make", "--dataset", DataError)


def test_an_error_of_ours_is_left_as_it_is(module):
    module("from audit.errors import ConfigError\ndef make():\n    raise ConfigError('as it is')\n")
    with pytest.raises(ConfigError, match=r"^as it is$"):
        call_named("made_for_this:make", "--dataset", DataError)
