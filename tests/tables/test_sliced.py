from audit.tables.sliced import MAX_COLUMNS, MAX_LEFT_OUT, MAX_VALUES, Slices


def test_columns_are_read_part_by_part_in_the_order_of_first_mention(read_sliced):
    found = read_sliced(
        [{"site": "n"}, {}, {"site": "s", "camera": "b"}],
        [],
        [{"camera": "a", "site": "n"}],
    )
    assert [one.name for one in found.columns] == ["site", "camera"]
    site, camera = found.columns
    assert (site.texts, site.codes.tolist()) == (("n", "s"), [0, -1, 1, 0])
    assert (camera.texts, camera.codes.tolist()) == (("a", "b"), [-1, -1, 1, 0])
    assert found.summary() == {
        "columns": [
            {"name": "site", "values": 2, "without": 1},
            {"name": "camera", "values": 2, "without": 2},
        ],
        "left_out": [],
    }


def test_numbers_are_ordered_by_size_before_texts(read_sliced):
    rows = [{"year": value} for value in ("10", "nan", "9", "old", "-1.5")]
    assert read_sliced(rows).columns[0].texts == ("-1.5", "9", "10", "nan", "old")


def test_an_identifier_is_left_out_and_hides_no_other_column(read_sliced):
    most = [{"id": f"{i}", "site": "n"} for i in range(MAX_VALUES)]
    assert [one.name for one in read_sliced(most, most).columns] == ["id", "site"]
    found = read_sliced(most, most, [{"id": "one more", "site": "s"}, {"id": "3"}])
    assert [one.name for one in found.columns] == ["site"]
    assert found.left_out == (("id", "more than 1,000 values"),)
    assert found.columns[0].texts == ("n", "s")


def test_so_is_a_column_that_names_images_rather_than_groups_them(read_sliced):
    rows = [{"id": f"{i}", "pair": f"{i // 2}"} for i in range(42)]
    found = read_sliced(rows)
    assert [one.name for one in found.columns] == ["pair"]
    assert found.left_out == (("id", "fewer than two images a value"),)
    assert [one.name for one in read_sliced(rows[:20]).columns] == ["id", "pair"]  # few may stay


def test_so_are_columns_beyond_the_first(read_sliced):
    names = [f"c{i:02}" for i in range(MAX_COLUMNS + 1)]
    found = read_sliced([dict.fromkeys(names, "x")], [dict.fromkeys(names, "y")])
    assert [one.name for one in found.columns] == names[:-1]
    assert found.left_out == (("c32", "more than 32 columns"),)


def test_columns_without_end_are_named_up_to_a_point(read_sliced):
    found = read_sliced([{f"c{i}": "x"} for i in range(500)])
    assert (len(found.columns), len(found.left_out)) == (MAX_COLUMNS, MAX_LEFT_OUT)


def test_an_image_may_have_none(read_sliced):
    assert read_sliced([{}, {}]) == Slices((), ())
    assert read_sliced([{}]).summary() == {"columns": [], "left_out": []}
