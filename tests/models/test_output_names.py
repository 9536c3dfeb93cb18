import pytest

from audit.errors import ModelError
from audit.models.output_names import OutputNames, folded

NAMES = ("tench, Tinca tinca", "Cardigan", "cardigan", "great_grey owl", "crane", "crane")
WNIDS = ("n0", "n1", "n2", "n3", "n4", "n5")


class TestFolding:
    @pytest.mark.parametrize("name", ["Ice Cream", "ice-cream", "ice_cream", "icecream"])
    def test_spelling_does_not_tell_names_apart(self, name):
        assert folded(name) == "icecream"


class TestLookup:
    @pytest.mark.parametrize(
        ("name", "outputs"),
        [
            ("Cardigan", (1,)),  # exact before folded
            ("cardigan", (2,)),
            ("CARDIGAN", (1, 2)),
            ("Great Grey-Owl", (3,)),
            ("tinca tinca", (0,)),  # a part
            ("n3", (3,)),
            ("N3", (3,)),
            ("crane", (4, 5)),
            ("owl", ()),
        ],
    )
    def test_finds(self, name, outputs):
        assert OutputNames(6, NAMES, WNIDS).lookup(name) == outputs

    def test_labels(self):
        assert OutputNames(6, NAMES, WNIDS).labels == NAMES
        assert OutputNames(6, None, WNIDS).labels == WNIDS
        assert OutputNames(2, None, None).labels == ("output 0", "output 1")

    def test_counts_must_agree(self):
        with pytest.raises(ModelError, match="has 5 outputs, but 6 names"):
            OutputNames(5, NAMES, None)


class TestFind:
    def test_by_index_name_and_id(self):
        known = OutputNames(6, NAMES, WNIDS)
        assert [known.find(said, "map") for said in (3, "great grey owl", "n3")] == [3, 3, 3]

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            (6, "names output 6; the model's are 0 to 5"),
            ("crane", "which several have"),
            ("tensch", "which none has"),
        ],
    )
    def test_says_what_is_wrong(self, said, told):
        with pytest.raises(ModelError, match=told):
            OutputNames(6, NAMES, WNIDS).find(said, "map")

    def test_names_need_names(self):
        with pytest.raises(ModelError, match="have no names; use indices from 0 to 1"):
            OutputNames(2, None, None).find("cat", "map")


class TestCheckNames:
    def test_another_models_map_is_recognised(self):
        known = OutputNames(6, NAMES, WNIDS)
        known.check_names([0, 3], ["Tinca tinca", "great grey owl"], "map")
        with pytest.raises(
            ModelError, match="takes output 1 for 'tench', but the model calls it 'C"
        ):
            known.check_names([1], ["tench"], "map")

    def test_without_names_there_is_nothing_to_check(self):
        OutputNames(2, None, None).check_names([1], ["tench"], "map")
