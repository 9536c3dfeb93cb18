import pytest

from audit.errors import ConfigError
from audit.gates.policy import Gate, default_policy, read_policy


def test_a_gate_is_read_with_every_key(write_policy):
    policy = read_policy(
        write_policy(
            """
            [[gate]]
            metric = "accuracy.value"
            min = 0.9

            [[gate]]
            name = "classes"
            metric = "accuracy"
            max = 1
            scope = "slice"
            slice = "camera"
            min_n = 30
            against = "baseline"
            severity = "fail"
            missing = "warn"
            prove = "broken"
            level = 0.9
            """
        )
    )
    first, second = policy.gates
    assert policy.name == "gates.toml"
    assert policy.needs_baseline
    assert first == Gate("accuracy.value", "min", 0.9)
    assert (first.severity, first.prove, first.level) == ("fail", "kept", 0.95)
    assert first.name == "accuracy.value ≥ 0.9"
    assert second == Gate(
        metric="accuracy",
        side="max",
        limit=1.0,
        scope="slice",
        slice="camera",
        min_n=30,
        change=True,
        severity="fail",
        missing="warn",
        prove="broken",
        level=0.9,
        title="classes",
    )
    assert second.name == "classes"


def test_a_name_is_made_of_what_is_tested():
    gate = Gate("accuracy", "min", -0.05, scope="class", change=True)
    assert gate.name == "change of accuracy in each class ≥ −0.05"
    assert Gate("n", "min", 9, scope="slice").name == "n in each slice ≥ 9"
    assert Gate("n", "min", 9, scope="slice", slice="site").name == "n in each site ≥ 9"


GATE = '[[gate]]\nmetric = "accuracy.value"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[gate]\n", "not TOML: .*line 1"),
        (f"{GATE}min = \n", "line 3, column 7"),
        ("", "no \\[\\[gate\\]\\]: it would pass anything"),
        ("gate = []", "it would pass anything"),
        ("gate = 3", "it would pass anything"),
        ("gate = [3]", "gate 1 is no table"),
        ("gates = 3", "key 'gates'"),
        ("[[gate]]\nmin = 1", "gate 1 names no metric"),
        ("[[gate]]\nmetric = 3\nmin = 1", "metric must be a text"),
        (f"{GATE}min = 0.9\n{GATE}min = 0.9", "gates 1 and 2 are both called"),
        (GATE, "needs one of min and max"),
        (f"{GATE}min = 1\nmax = 2", "needs one of min and max"),
        (f"{GATE}max = {'9' * 400}", r"gate 1 \(accuracy.value\): max = 9{29}…9{30} is no finite"),
        (f"{GATE}max = -{'9' * 400}", "is no finite number"),
        (f"{GATE}level = {'9' * 400}\nmin = 0", "level = 9+…9+ is no finite number"),
        (f"{GATE}min = true", "min = True is no finite number"),
        (f"{GATE}min = nan", "min = nan is no finite number"),
        (f'{GATE}min = "0.9"', "min = '0.9' is no finite number"),
        (f"{GATE}mim = 1", "unknown key 'mim'; did you mean 'min'"),
        (f'{GATE}min = 1\nseverity = "fial"', "severity 'fial'; did you mean 'fail'"),
        (f'{GATE}min = 1\nscope = "slices"', "scope 'slices'; did you mean 'slice'"),
        (f'{GATE}min = 1\nslice = "camera"', 'add scope = "slice"'),
        (f'{GATE}min = 1\nmissing = "pass"', "missing 'pass'; known: fail, warn"),
        (f'{GATE}min = 1\nprove = "keep"', "did you mean 'kept'"),
        (f'{GATE}min = 1\nagainst = "base"', "against 'base'; known: baseline"),
        (f"{GATE}min = 1\nlevel = 95", "level = 95: a share"),
        (f"{GATE}min = 1\nmin_n = 5", 'add scope = "class"'),
        (f'{GATE}min = 1\nscope = "class"\nmin_n = 0', "min_n = 0: a whole number"),
        (f'{GATE}min = 1\nname = "{"x" * 201}"', "at most 200 characters"),
    ],
)
def test_a_policy_that_cannot_be_understood_is_refused(write_policy, text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        read_policy(write_policy(text))
    assert "\n" not in str(caught.value)
    assert "gates.toml" in str(caught.value)


def test_a_policy_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        read_policy(path)
    with pytest.raises(ConfigError, match="No such file"):
        read_policy(tmp_path / "none.toml")


def test_a_mark_at_the_beginning_of_the_file_is_passed_over(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_bytes(b"\xef\xbb\xbf" + f"{GATE}min = 0.9".encode())
    assert read_policy(path).gates == (Gate("accuracy.value", "min", 0.9),)


def test_a_blank_name_is_none(write_policy):
    (gate,) = read_policy(write_policy(f'{GATE}min = 0.9\nname = "  \\t"')).gates
    assert gate.name == "accuracy.value ≥ 0.9"


CLASS, SLICE, CHANGE = 'scope = "class"\n', 'scope = "slice"\n', 'against = "baseline"\n'


@pytest.mark.parametrize(
    ("metric", "more", "limit", "said"),
    [
        ("accuracy", CLASS, "min = 90", "min = 90: accuracy is a share, and shares run from 0 to"),
        ("accuracy", SLICE, "min = -0.1", "min = −0.1: accuracy is a share"),
        ("off_object_rate", CLASS, "max = 5", "max = 5: off_object_rate is a share"),
        ("accuracy.value", "", "min = 90", "shares run from 0 to 1: 90% is 0.9"),
        ("attention.median_mass", "", "min = 1.01", "median_mass is a share"),
        ("verdicts.whole_set.rate", "", "max = 5", "rate is a share"),
        ("q_value", CLASS, "min = 5", "q_value is a probability, and probabilities run from 0 to"),
        ("s1_null_p", CLASS, "min = 5", "s1_null_p is a probability"),
        ("accuracy", CLASS + CHANGE, "min = -2", "changes of shares run from −1 to 1: a point is"),
        ("accuracy.value", CHANGE, "min = 1.5", "min = 1.5: accuracy.value is a share"),
    ],
)
def test_a_limit_that_a_share_cannot_reach_is_refused(write_policy, metric, more, limit, said):
    text = f'[[gate]]\nmetric = "{metric}"\n{more}{limit}'
    with pytest.raises(ConfigError, match=said) as caught:
        read_policy(write_policy(text))
    assert f"gates.toml: gate 1 ({metric}): " in str(caught.value)


@pytest.mark.parametrize(
    ("metric", "more", "limit"),
    [
        ("accuracy", CLASS, 1),
        ("accuracy.value", "", 0),
        ("accuracy.value", CHANGE, -1),
        ("median_lift", CLASS, 2),  # a ratio
        ("attention.median_lift", "", 90),
        ("s1_effect", CLASS, -0.1),  # a difference of probabilities
        ("s1_low", CLASS, -1.5),
        ("s1_holds", CLASS, 5),
        ("counts.unreadable", "", 5),
        ("s1_rate", SLICE, 5),  # no column of slices: what there is instead is said on the run
    ],
)
def test_other_limits_may_be_any_number(write_policy, metric, more, limit):
    text = f'[[gate]]\nmetric = "{metric}"\n{more}min = {limit}'
    assert read_policy(write_policy(text)).gates[0].limit == limit


def test_the_shipped_policy_tests_a_change_only_with_a_baseline():
    alone, both = default_policy(with_baseline=False), default_policy(with_baseline=True)
    assert not alone.needs_baseline
    assert both.needs_baseline
    assert both.gates[: len(alone.gates)] == alone.gates
    assert "verdicts.counts.spurious" in {gate.metric for gate in alone.gates}
