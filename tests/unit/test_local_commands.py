"""Every command says what it does by an example, and refuses what it cannot mean before it connects to anything."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from chassis.errors import FieldError, Invalid, NotFound
from chassis.messages.recipients import SENDING
from deploy.local.cli import main
from deploy.local.commands.rooms import database
from deploy.local.commands.screen import WHERE_SEEN, message_sentences
from deploy.local.faults import LocalFault


def commands(group: click.Group = main, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*prefix, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*path, "--help"])
    assert shown.exit_code == 0
    example = shown.output.partition("Example:\n")[2].splitlines()[0]
    assert f"tukiverkko {' '.join(path)}" in example


def test_grants_are_created_rotated_and_revoked() -> None:
    assert {("grant", "create"), ("grant", "rotate"), ("grant", "revoke")} <= set(commands())


def test_a_reason_for_the_audit_is_a_code() -> None:
    given = ["parked", "drop", "an-id", "--service", "groups", "--reason", "It was wrong."]
    ran = CliRunner().invoke(main, given)
    assert ran.exit_code == 2
    assert "operator.duplicate" in ran.output


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (NotFound("grant.unknown", "There is none."), "There is none."),
        (Invalid("a.b", "It is bad.", fields=(FieldError("/name", "pattern", "It is bad."),)), "It is bad."),
        (Invalid("a.b", "Bad.", fields=(FieldError("/name", "length", "Too long."),)), "Bad. /name: Too long."),
    ],
)
def test_a_refusal_is_said_once(refusal: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def __init__(self, *_: object) -> None:
            pass

        def close(self) -> None:
            pass

    monkeypatch.setattr("deploy.local.commands.rooms.Database", Nothing)
    with pytest.raises(LocalFault) as caught, database(object(), "access"):  # type: ignore[arg-type]
        raise refusal
    assert str(caught.value) == sentence


def test_status_says_how_messages_stand() -> None:
    measured = {"mail": "into .local/mail", "messages": {"referrals": {"queued": 2, "failed": 1, "dead": 4}}}
    assert message_sentences(measured) == [
        "Messages of referrals go into .local/mail; 3 wait, 4 were given up.",
        "The organisations see which and why at GET /referrals/{id}/messages.",
    ]
    assert message_sentences({**measured, "messages": {"referrals": {}}})[0].endswith("0 wait, 0 were given up.")
    assert message_sentences({"messages": {"referrals": None}}) == []
    lost = message_sentences({**measured, "messages": {"groups": {"dead": 1}}})
    assert "on the roster" in lost[1]
    assert "/referrals/" not in lost[1], "each service says where its own are seen"
    assert set(WHERE_SEEN) == set(SENDING)
