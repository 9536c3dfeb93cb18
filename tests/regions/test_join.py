import numpy as np
import pytest

from audit.errors import DataError
from audit.records import OTHER, UNCLASSED, Listing
from audit.regions.join import examples, image_names, match_classes, match_images


def listing_of(*paths):
    n = len(paths)
    return Listing(("a",), np.zeros(n, dtype=np.int64), paths, np.ones(n, dtype=np.int64))


def without_files(n):
    return Listing(("a",), np.zeros(n, dtype=np.int64), None, np.ones(n, dtype=np.int64))


def test_examples_are_few():
    assert examples(["a"]) == "'a'"
    assert examples(["a", "b", "c"]) == "'a', 'b', 'c'"
    assert examples(f"n{i}" for i in range(5)) == "'n0', 'n1', 'n2' and 2 more"


def test_images_by_their_whole_path():
    found = match_images(["b/x.png", "./a/x.png", "a\\y.png"], listing_of("a/x.png", "b/x.png"))
    assert found.tolist() == [1, 0, -1]
    assert found.dtype == np.int64


def test_images_by_their_file_name_where_it_is_unique():
    found = match_images(["train/y.png", "z.png", "a/x.png"], listing_of("a/x.png", "b/c/y.png"))
    assert found.tolist() == [1, -1, 0]


def test_a_file_name_that_several_images_have_says_nothing():
    listing = listing_of("a/x.png", "b/x.png", "a/y.png")
    assert match_images(["c/x.png", "y.png"], listing).tolist() == [-1, 2]


def test_a_file_name_that_several_annotations_have_says_nothing():
    """The second x.png is not that of the dataset, though nothing else there is called so."""
    listing = listing_of("a/x.png", "a/y.png")
    assert match_images(["a/x.png", "b/x.png"], listing).tolist() == [0, -1]
    assert match_images(["b/x.png", "c/x.png", "y.png"], listing).tolist() == [-1, -1, 1]


def test_images_whatever_their_type():
    listing = listing_of("cat/a.jpg", "cat/b.v2.jpg", "dog/c.jpg")
    names = ["cat/a.xml", "b.v2.png", "c.png"]
    assert match_images(names, listing, suffix=False).tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="none of the 3 annotated images is in the dataset"):
        match_images(names, listing)


def test_two_types_of_one_name_cannot_be_told_apart():
    listing = listing_of("cat/a.jpg", "cat/a.png", "cat/b.png")
    assert match_images(["cat/a.xml", "cat/b.xml"], listing, suffix=False).tolist() == [-1, 2]


def test_images_without_files_have_numbers_for_names():
    assert image_names(without_files(2)) == ("000000.png", "000001.png")
    assert match_images(["x/000001.png"], without_files(2)).tolist() == [1]


def test_nothing_fits():
    with pytest.raises(DataError, match=r"they are named 'x\.png', the dataset's 'a/y\.png'"):
        match_images(["x.png"], listing_of("a/y.png"))


@pytest.mark.parametrize("suffix", [True, False])
@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a/../../x", "..\\x.png", "//x", ".."])
def test_names_that_leave_the_folder(name, suffix):
    with pytest.raises(DataError, match="1 annotated images are named outside") as error:
        match_images(["x.png", name], listing_of("x.png"), suffix=suffix)
    assert repr(name) in str(error.value)


def test_two_dots_within_a_name_are_harmless():
    assert match_images(["a..b/x..png"], listing_of("a..b/x..png")).tolist() == [0]


def test_categories_are_classes_by_folded_name():
    found, notes = match_classes(["Dining-Table", "cat"], ("cat", "dining table", "dog"))
    assert found == [1, 0]
    assert notes == ()


def test_an_exact_name_goes_before_a_folded_one():
    assert match_classes(["T-shirt", "tshirt"], ("T-shirt", "tshirt"))[0] == [0, 1]


def test_a_category_that_is_no_class_is_another_object():
    found, notes = match_classes(["tree", "cat"], ("cat", "dog"))
    assert found == [OTHER, 0]
    assert notes == (
        "categories that are no class of the dataset, kept as other objects: 1 ('tree')",
    )


def test_categories_none_of_which_is_a_class():
    found, notes = match_classes(["object", "thing"], ("cat", "dog"))
    assert found == [UNCLASSED, UNCLASSED]
    assert notes == (
        "none of the annotations' categories ('object', 'thing') is a class of the dataset "
        "('cat', 'dog'): every object counts as the labelled one",
    )


def test_no_categories():
    assert match_classes([], ("cat",)) == ([], ())
