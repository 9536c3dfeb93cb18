import pytest

from audit.data.vqa_images import find_images
from audit.errors import DataError


def _put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


@pytest.mark.parametrize("folder", ["val2014/", "images/val2014/", "images/", ""])
@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png"])
def test_where_images_are_found(tmp_path, folder, suffix):
    (tmp_path / "val2014").mkdir()  # may be there, and empty
    name = f"{folder}COCO_val2014_000000000042{suffix}"
    _put(tmp_path, name)
    assert find_images(tmp_path, ["val2014"], [42, 7]) == {
        42: name,
        7: f"{folder}COCO_val2014_000000000007.jpg",
    }


def test_of_several_files_of_an_image_the_jpeg_is_taken(tmp_path):
    _put(tmp_path, *(f"val/COCO_val_000000000001.{kind}" for kind in ("png", "jpeg", "jpg")))
    assert find_images(tmp_path, ["val"], [1]) == {1: "val/COCO_val_000000000001.jpg"}


def test_the_questions_may_be_of_another_subsets_images(tmp_path):
    """test-dev2015 asks about images of test2015."""
    _put(tmp_path, "test2015/COCO_test2015_000000000001.jpg")
    found = find_images(tmp_path, ["test-dev2015", "test2015"], [1])
    assert found == {1: "test2015/COCO_test2015_000000000001.jpg"}


def test_a_subset_that_is_no_name_of_a_folder_is_not_looked_for(tmp_path):
    root = tmp_path / "root"
    _put(tmp_path, "root/x", "COCO_.._000000000001.jpg")
    with pytest.raises(DataError) as error:
        find_images(root, ["val", "..", "../..", "/etc", "a\0"], [1])
    assert str(error.value) == (
        "none of the 1 images ('COCO_val_000000000001', each with one of .jpg, .jpeg, .png) is "
        f"below {str(root)!r}: looked in val/, images/val/, images/, the folder itself"
    )
