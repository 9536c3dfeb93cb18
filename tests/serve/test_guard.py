"""Who may ask, what, and what an answer allows: over a real socket."""

import pytest


@pytest.fixture
def served(serving, run):
    return serving(run)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", ""]
)
def test_a_host_that_is_not_this_machine_is_refused(served, host):
    answer = served.get("/", host=host)
    assert answer.status == 421
    assert b"<" not in answer.body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "LOCALHOST"])
def test_this_machines_names_are_answered_also_through_a_tunnel(served, host):
    assert served.get("/", host=host).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_answered(served, method):
    answer = served.get("/", method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_head_is_get_without_a_body(served):
    answer = served.get("/", "HEAD")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    "where", ["/", "/image/1", "/view/1.jpg", "/map/1/pred.png", "/nope", "/report/", "/?sort=x"]
)
def test_every_answer_has_a_strict_policy_and_none_opens_to_other_origins(served, where):
    headers = served.get(where, origin="https://evil.example").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control-")]
