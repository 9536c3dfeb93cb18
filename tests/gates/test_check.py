import pytest
from defusedxml import ElementTree

from audit.errors import ConfigError, DataError
from audit.gates.check import check
from audit.gates.config import GateConfig
from audit.gates.verdict import Outcome

OVERALL = '[[gate]]\nmetric = "accuracy.value"\nmin = 0.85\n'
CHANGE = (
    '[[gate]]\nmetric = "accuracy"\nscope = "class"\nagainst = "baseline"\nmin = 0\n'
    'prove = "broken"\n'
)


def test_both_files_are_written_into_the_run_folder(run, write_policy):
    verdict, page = check(run, GateConfig(write_policy(OVERALL)))
    assert verdict.outcome is Outcome.PASS
    assert page == run / "summary.md"
    assert page.read_text().startswith("## Release gate: PASS")
    assert ElementTree.parse(run / "junit.xml").getroot().find(".//testcase") is not None


def test_or_where_they_are_asked_for(run, write_policy, tmp_path):
    there = GateConfig(
        write_policy(OVERALL), junit=tmp_path / "x/j.xml", markdown=tmp_path / "x/m.md"
    )
    _, page = check(run, there)
    assert page == tmp_path / "x/m.md"
    assert page.is_file()
    assert (tmp_path / "x/j.xml").is_file()
    assert not (run / "junit.xml").exists()
    assert not (run / "summary.md").exists()


def test_a_folder_is_no_file_to_write(run, write_policy, tmp_path):
    with pytest.raises(ConfigError, match="--junit"):
        check(run, GateConfig(write_policy(OVERALL), junit=tmp_path))
    assert not (run / "summary.md").exists()


def test_one_file_cannot_hold_both_results(run, write_policy, tmp_path):
    policy, one = write_policy(OVERALL), tmp_path / "one"
    with pytest.raises(ConfigError, match=r"--junit \S+one and --markdown \S+one are one file"):
        check(run, GateConfig(policy, junit=one, markdown=tmp_path / "run/../one"))
    with pytest.raises(ConfigError, match="are one file"):
        check(run, GateConfig(policy, junit=run / "summary.md"))
    assert not one.exists()
    assert not (run / "summary.md").exists()


def test_a_place_that_cannot_be_written_is_named_with_its_flag(run, write_policy, tmp_path):
    policy = write_policy(OVERALL)
    with pytest.raises(ConfigError, match=r"gates\.toml/m\.md cannot be written .*--markdown"):
        check(run, GateConfig(policy, markdown=policy / "m.md"))


def test_a_link_is_not_replaced_by_a_file(run, write_policy, tmp_path):
    """As /dev/stdout is one."""
    link = tmp_path / "link"
    link.symlink_to("elsewhere")
    with pytest.raises(ConfigError, match="a folder, a link or a device"):
        check(run, GateConfig(write_policy(OVERALL), markdown=link))
    assert link.is_symlink()


def test_the_shipped_policy_fails_a_class_that_decides_by_something_else(run):
    verdict, _ = check(run, GateConfig())
    (bad,) = verdict.with_outcome(Outcome.FAIL)
    assert [one.label for one in bad.offenders] == ["fox"]
    assert {row.name for row in verdict.with_outcome(Outcome.WARN)} == {
        "the maps depend on the model"  # sanity was left out
    }


def test_the_shipped_policy_passes_a_run_without_fault(write_run, tmp_path, summary):
    clean = summary["verdicts"] | {"counts": {"clean": 3}}
    sane = {"n": 64, "depends": True}
    run = write_run(tmp_path / "r", summary={"verdicts": clean, "sanity": sane})
    verdict, _ = check(run, GateConfig())
    assert verdict.outcome is Outcome.PASS


def test_the_shipped_policy_warns_where_no_regions_are_known(write_run, tmp_path, summary):
    """Nothing was tested: never passed; but what every such dataset has would hide the rest."""
    counts = {"not_tested": 3}
    untested = summary["verdicts"] | {"has_regions": False, "counts": counts, "forwards": 0}
    run = write_run(tmp_path / "r", summary={"verdicts": untested})
    verdict, page = check(run, GateConfig())
    assert verdict.outcome is Outcome.WARN
    assert verdict.exit_code == 0
    row = next(one for one in verdict.rows if one.metric == "verdicts.counts.spurious")
    assert (row.outcome, row.severity, row.value) == (Outcome.WARN, "warn", None)
    assert row.sentence == (
        "verdicts.counts.spurious has no value: nothing says where the objects are, so that "
        "nothing was tested; that is not passed."
    )
    assert "nothing says where the objects are" in page.read_text()


def test_a_policy_of_ones_own_fails_there_unless_it_says_otherwise(
    write_run, write_policy, tmp_path, summary
):
    untested = summary["verdicts"] | {"has_regions": False, "counts": {"not_tested": 3}}
    run = write_run(tmp_path / "r", summary={"verdicts": untested})
    gate = '[[gate]]\nmetric = "verdicts.counts.spurious"\nmax = 0\n'
    assert check(run, GateConfig(write_policy(gate)))[0].outcome is Outcome.FAIL
    lenient = write_policy(f'{gate}missing = "warn"\n')
    assert check(run, GateConfig(lenient))[0].outcome is Outcome.WARN


def test_a_regressed_class_is_found_and_an_equal_checkpoint_passes(
    run, write_run, write_policy, tmp_path
):
    """cat 95, dog 90, fox 31 right in the baseline; dog falls to 70, cat rises to 97."""
    worse = write_run(
        tmp_path / "worse",
        classes=(("cat", 100, 97), ("dog", 100, 70), ("fox", 40, 31)),
        fingerprint={"weights": "11"},
    )
    config = GateConfig(write_policy(CHANGE), baseline=run)
    verdict, _ = check(worse, config)
    assert verdict.exit_code == 1
    (row,) = verdict.rows
    assert [one.label for one in row.offenders] == ["dog"]
    # lost 20 of 100, won none: (1 − 21)/102 = −.196078; z = 2.394 for three classes;
    # √((22/102 − .196078²)/102) = .041685, ·2.394 = .099793: −.295871 to −.096285
    assert row.sentence.startswith(
        "accuracy of 'dog' changed by −0.2 (98.33% interval −0.2959 to −0.09629): "
        "shown to be below the limit of 0"
    )
    equal = write_run(tmp_path / "equal")
    assert check(equal, config)[0].outcome is Outcome.PASS


def test_one_plan_twice_has_changed_in_nothing(run, write_run, write_policy, tmp_path):
    """Also where an interval is wide: .1 of .05 to .15 in both."""
    text = (
        '[[gate]]\nmetric = "verdicts.whole_set.rate"\nagainst = "baseline"\nmax = 0\n'
        '[[gate]]\nmetric = "accuracy.value"\nagainst = "baseline"\nmin = 0\n'
    )
    config = GateConfig(write_policy(text), baseline=run)
    assert check(write_run(tmp_path / "a"), config)[0].outcome is Outcome.PASS
    other = write_run(tmp_path / "b", fingerprint={"weights": "11"})
    assert check(other, config)[0].outcome is Outcome.FAIL  # nothing shows that it kept


SLICE = (
    '[[gate]]\nmetric = "accuracy"\nscope = "slice"\nslice = "camera"\nagainst = "baseline"\n'
    'min = 0\nprove = "broken"\n'
)


def sliced(answers, lost=0):
    """The images with their camera: every other one's is south, where ``lost`` answers are lost."""
    rows = [
        one | {"slices": [("camera", "south" if at % 2 else "north"), ("site", f"{at % 3}")]}
        for at, one in enumerate(answers())
    ]
    south = [one for one in rows if one["slices"][0][1] == "south" and one["correct"]]
    for one in south[:lost]:
        one["correct"] = False
    right = {"north": 0, "south": 0}
    for one in rows:
        right[one["slices"][0][1]] += one["correct"]
    return rows, [("camera", name, 120, n) for name, n in right.items()]


def test_a_regressed_slice_is_found_image_by_image(write_run, answers, write_policy, tmp_path):
    rows, slices = sliced(answers)
    base = write_run(tmp_path / "base", images=rows, slices=slices)
    rows, slices = sliced(answers, lost=20)
    worse = write_run(tmp_path / "worse", images=rows, slices=slices, fingerprint={"weights": "11"})
    config = GateConfig(write_policy(SLICE), baseline=base)
    verdict, page = check(worse, config)
    (row,) = verdict.rows
    assert [(one.index, one.label) for one in row.offenders] == [(1, "camera = south")]
    # lost 20 of 120, won none: (0 − 20)/122 = −.163934; z = 2.2414 for two slices;
    # √((22/122 − .163934²)/122) = .035466, ·2.2414 = .079493: −.243427 to −.084441
    assert row.sentence == (
        "accuracy of 'camera = south' changed by −0.1667 (97.5% interval −0.2434 to −0.08444): "
        "shown to be below the limit of 0; 1 of 2 slices fails."
    )
    assert "camera = south" in page.read_text()
    rows, slices = sliced(answers)
    equal = write_run(tmp_path / "equal", images=rows, slices=slices)
    assert check(equal, config)[0].outcome is Outcome.PASS


def test_another_table_of_slices_is_no_baseline(write_run, answers, write_policy, tmp_path):
    rows, slices = sliced(answers)
    run = write_run(tmp_path / "run", images=rows, slices=slices)
    other = write_run(tmp_path / "other", images=rows, slices=slices[:1])
    with pytest.raises(ConfigError, match="they differ in the further columns"):
        check(run, GateConfig(write_policy(SLICE), baseline=other))
    config = GateConfig(write_policy(CHANGE), baseline=other)  # asks for no slice
    assert check(run, config)[0].outcome is Outcome.PASS


def test_newly_found_classes_are_named(run, write_run, write_policy, tmp_path, summary):
    none = summary["verdicts"] | {"counts": {"clean": 3}}
    rows = (("cat", 100, 95), ("dog", 100, 90))  # fox, the third, is the one found
    base = write_run(tmp_path / "base", summary={"verdicts": none}, classes=rows)
    text = '[[gate]]\nmetric = "verdicts.counts.spurious"\nagainst = "baseline"\nmax = 0\n'
    verdict, _ = check(run, GateConfig(write_policy(text), baseline=base))
    assert verdict.rows[0].sentence == (
        "verdicts.counts.spurious changed by +1: above the limit of 0 ('fox')."
    )


def test_a_baseline_without_a_gate_and_a_gate_without_a_baseline_are_refused(run, write_policy):
    with pytest.raises(ConfigError, match="name that run by --baseline"):
        check(run, GateConfig(write_policy(CHANGE)))
    with pytest.raises(ConfigError, match="it would change nothing"):
        check(run, GateConfig(write_policy(OVERALL), baseline=run))
    assert not (run / "summary.md").exists()


def test_a_run_is_no_baseline_of_itself(run, write_policy, tmp_path):
    """It would pass every gate on a change: a name given twice by mistake."""
    (tmp_path / "latest").symlink_to("run")
    config = GateConfig(write_policy(CHANGE), baseline=tmp_path / "latest")
    with pytest.raises(ConfigError, match=r"--baseline \S+/latest is the run \S+/run itself"):
        check(run, config)
    assert not (run / "summary.md").exists()


def test_a_baseline_that_is_none_is_a_data_error(run, write_run, write_policy, tmp_path):
    policy = write_policy(CHANGE)
    with pytest.raises(DataError, match=r"no run folder at .*nowhere"):
        check(run, GateConfig(policy, baseline=tmp_path / "nowhere"))
    going = write_run(tmp_path / "going", status="running")
    with pytest.raises(DataError, match="going is marked 'running'"):
        check(run, GateConfig(policy, baseline=going))


def test_a_baseline_of_other_data_is_refused(run, write_run, write_policy, tmp_path):
    other = write_run(tmp_path / "other", fingerprint={"dataset": "ee"})
    with pytest.raises(ConfigError, match="the dataset's listing"):
        check(run, GateConfig(write_policy(CHANGE), baseline=other))


def test_untested_classes_are_named_in_the_page(write_run, write_policy, tmp_path, summary):
    told = summary["verdicts"] | {"counts": {"clean": 1, "not_tested": 1, "not_enough_images": 1}}
    verdicts = [
        {"verdict": "clean", "verdict_sentence": "class 'cat': nothing found"},
        {"verdict": "not_tested", "verdict_sentence": ""},
        {"verdict": "not_enough_images", "verdict_sentence": "class 'fox': 4 images are too few"},
    ]
    run = write_run(tmp_path / "r", summary={"verdicts": told}, verdicts=verdicts)
    text = "".join(
        f'[[gate]]\nmetric = "verdicts.counts.{one}"\nmax = 0\n'
        for one in ("not_tested", "not_enough_images")
    )
    verdict, page = check(run, GateConfig(write_policy(text)))
    assert [row.sentence for row in verdict.rows] == [
        "verdicts.counts.not_tested is 1: above the limit of 0 ('dog').",
        "verdicts.counts.not_enough_images is 1: above the limit of 0 ('fox').",
    ]
    told = [(one.index, one.label, one.said) for row in verdict.rows for one in row.offenders]
    assert told == [(1, "dog", ""), (2, "fox", "class 'fox': 4 images are too few")]
    assert "\n  - dog\n" in page.read_text()
    assert "\n  - class 'fox': 4 images are too few\n" in page.read_text()


def test_a_summary_of_another_shape_is_a_data_error(write_run, tmp_path):
    run = write_run(tmp_path / "r", summary={"problems": [3]})
    with pytest.raises(DataError, match="did not write so"):
        check(run, GateConfig())


def test_hostile_class_names_reach_both_files_as_text(write_run, hostile, tmp_path):
    name = hostile.replace("\x00", "")
    run = write_run(tmp_path / "r", classes=((name, 40, 1), ("b", 40, 2), (name, 40, 3)))
    check(run, GateConfig())
    page = (run / "summary.md").read_text()
    assert "<b>" not in page
    assert "\x1b" not in page
    ElementTree.parse(run / "junit.xml")
