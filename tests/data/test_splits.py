import pytest

from audit.data.splits import check_split
from audit.errors import ConfigError


def test_a_known_split_passes_and_another_is_named_with_the_known_ones():
    check_split("pets", "train", ("train", "test"))
    with pytest.raises(ConfigError) as error:
        check_split("pets", "val", ("train", "test"))
    assert str(error.value) == "--split val: pets has no such split; known: train, test"
