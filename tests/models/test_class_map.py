import json

import pytest

from audit.errors import ModelError
from audit.models.class_map import ClassMap, load_class_map
from audit.models.imagenet import imagenet_names

FORMAT = "cam-audit-class-map/1"
STL10 = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


def written(path, **content):
    path.write_text(json.dumps({"format": FORMAT, **content}))
    return str(path)


class TestReading:
    def test_json(self, tmp_path):
        name = written(
            tmp_path / "m.json",
            closed_set=True,
            classes={"cat": [281, "tiger cat", "n02123394"]},
            notes={"cat": "domestic"},
        )
        classes = {"cat": (281, "tiger cat", "n02123394")}
        assert load_class_map(name) == ClassMap(name, classes, True, {}, {"cat": "domestic"})

    def test_toml(self, tmp_path):
        path = tmp_path / "m.toml"
        path.write_text(f'format = "{FORMAT}"\n[classes]\ncat = [281]\n"big cat" = ["lion"]\n')
        read = load_class_map(str(path))
        assert read.classes == {"cat": (281,), "big cat": ("lion",)}
        assert read.closed_set is False

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ({"format": "x", "classes": {"a": [1]}}, f'needs "format": "{FORMAT}"'),
            ({"clases": {"a": [1]}}, "unknown key 'clases'; did you mean 'classes'"),
            ({}, "has no classes"),
            ({"classes": {"a": []}}, r"classes\['a'\] must be a list of outputs"),
            ({"classes": {"a": 3}}, r"classes\['a'\] must be a list of outputs"),
            ({"classes": {"a": [-1]}}, r"classes\['a'\] must be a list of outputs"),
            ({"classes": {"a": [True]}}, r"classes\['a'\] must be a list of outputs"),
            ({"classes": {"a": [1.5]}}, r"classes\['a'\] must be a list of outputs"),
            ({"classes": ["a"]}, "classes must map"),
            ({"classes": {"a": [1]}, "closed_set": "yes"}, "closed_set is true or false"),
            ({"classes": {"a": [1]}, "names": {"a": ["x", "y"]}}, r"names\['a'\] has 2 entries"),
            ({"classes": {"a": [1]}, "names": {"b": ["x"]}}, r"names\['b'\] has 1 entries"),
            ({"classes": {"a": [1]}, "notes": {"a": 3}}, "notes must map names to texts"),
        ],
    )
    def test_says_what_is_wrong(self, tmp_path, content, told):
        with pytest.raises(ModelError, match=told):
            load_class_map(written(tmp_path / "m.json", **content))

    def test_missing_broken_and_unknown(self, tmp_path):
        with pytest.raises(ModelError, match="does not exist"):
            load_class_map(str(tmp_path / "none.json"))
        (tmp_path / "bad.toml").write_text("= 3")
        with pytest.raises(ModelError, match="cannot be read"):
            load_class_map(str(tmp_path / "bad.toml"))
        with pytest.raises(ModelError, match="did you mean 'stl10_imagenet'"):
            load_class_map("stl10_imagnet")


class TestShippedStl10Map:
    def test_holds_stl10s_classes_in_a_closed_set(self):
        shipped = load_class_map("stl10_imagenet")
        assert tuple(shipped.classes) == STL10
        assert shipped.closed_set

    def test_names_are_torchvisions_at_those_indices(self):
        shipped, names = load_class_map("stl10_imagenet"), imagenet_names()
        assert shipped.names.keys() == shipped.classes.keys()
        for name, outputs in shipped.classes.items():
            assert shipped.names[name] == tuple(names[output] for output in outputs)

    def test_sizes_known_from_imagenet(self):
        # ImageNet-1k holds 118 breeds of dogs (151 to 268), 59 birds, 13 monkeys and 5 apes.
        counts = {
            name: len(outputs) for name, outputs in load_class_map("stl10_imagenet").classes.items()
        }
        assert (counts["dog"], counts["bird"], counts["monkey"]) == (118, 59, 18)

    def test_no_output_is_claimed_twice(self):
        outputs = [o for group in load_class_map("stl10_imagenet").classes.values() for o in group]
        assert len(outputs) == len(set(outputs))

    def test_the_carpenters_plane_does_not_fly(self):
        airplane = load_class_map("stl10_imagenet").classes["airplane"]
        assert imagenet_names()[726] == "plane"
        assert 726 not in airplane

    @pytest.mark.parametrize("name", ["deer", "monkey", "car", "ship", "truck"])
    def test_doubtful_choices_are_documented(self, name):
        assert "Doubtful" in load_class_map("stl10_imagenet").notes[name]
