import sys

import pytest

from audit.errors import ModelError
from audit.models.user_model import user_model
from audit.records import Preprocessing
from audit.user_code import is_function_name

SOURCE = """
import torch
from audit.records import Preprocessing

def plain():
    return torch.nn.Conv2d(3, 2, 1)

def paired():
    return torch.nn.Conv2d(3, 2, 1), Preprocessing(resize=32)

def number():
    return 3

def failing():
    raise KeyError("weights")

constant = 1
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "my_own_nets.py").write_text(SOURCE)
    (tmp_path / "my_broken_nets.py").write_text("import no_such_package\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("my_own_nets", "my_broken_nets"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("own_module")
class TestCalling:
    def test_a_module_from_the_current_folder(self):
        module, preprocessing = user_model("my_own_nets:plain")
        assert module.out_channels == 2
        assert preprocessing is None

    def test_a_module_and_its_preprocessing(self):
        _, preprocessing = user_model("my_own_nets:paired")
        assert preprocessing == Preprocessing(resize=32, source="returned by my_own_nets:paired")

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("no_such_nets:make", "ModuleNotFoundError: No module named 'no_such_nets'"),
            ("my_broken_nets:make", "No module named 'no_such_package'"),
            ("my_own_nets:plane", "no function 'plane'; did you mean 'plain'"),
            ("my_own_nets:constant", "no function 'constant'"),
            ("my_own_nets:number", "returned a int; it must return"),
            ("my_own_nets:failing", r"failing\(\) failed: KeyError: 'weights'"),
        ],
    )
    def test_says_what_went_wrong(self, name, told):
        with pytest.raises(ModelError, match=told):
            user_model(name)


class TestNames:
    @pytest.mark.parametrize("name", ["nets:make", "my.nets:make_2"])
    def test_functions(self, name):
        assert is_function_name(name)

    @pytest.mark.parametrize(
        "name", ["resnet18", "hf-hub:a/b", "https://x", "a:", "a..b:c", "a:b:c"]
    )
    def test_others(self, name):
        assert not is_function_name(name)
