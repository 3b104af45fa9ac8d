"""Addresses, and ODOBOT_MAIL_FROM."""

import pytest
from hypothesis import given, strategies as st

from mail.addresses import parse_address, parse_sender


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("noreply@odotrack.test", ("", "noreply@odotrack.test")),
        (" <noreply@odotrack.test> ", ("", "noreply@odotrack.test")),
        ("Odotrack <noreply@odotrack.test>", ("Odotrack", "noreply@odotrack.test")),
        ("Odotrack, Québec inc. <noreply@odotrack.test>", ("Odotrack, Québec inc.", "noreply@odotrack.test")),
        (r'"Odo \"O\" track" <o@odotrack.test>', ('Odo "O" track', "o@odotrack.test")),
        ("«\u00a0Odo\u00a0» <o@localhost>", ("«\u00a0Odo\u00a0»", "o@localhost")),
        ("Odo<o@Québec.TEST>", ("Odo", "o@xn--qubec-csa.test")),
    ],
)
def test_parse_sender(text: str, expected: tuple[str, str]) -> None:
    assert parse_sender(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Odotrack",
        "Odotrack <>",
        "Odotrack <noreply>",
        "<a@b.test>, <c@d.test>",
        "a@b.test, c@d.test",
        "a@b.test c",
        "a@b@c.test",
        '"a b"@c.test',
        "a..b@c.test",
        ".a@c.test",
        "a@c..test",
        "a@-c.test",
        "a@[127.0.0.1]",
        "a\u00a0b@c.test",
        "Odo\nBcc: all@x.test <a@b.test>",
        "Odo <a@b.test>\r\nBcc: <all@x.test>",
        "Odo\u2028 <a@b.test>",
        "x" * 65 + "@b.test",
        "a@" + "b" * 64 + ".test",
    ],
)
def test_parse_sender_rejects(text: str) -> None:
    """The error does not repeat the text."""
    with pytest.raises(ValueError, match=r"^expected an address, or Name <address>") as caught:
        parse_sender(text)
    assert "b.test" not in str(caught.value)
    assert caught.value.__context__ is None


def test_only_the_local_part_asks_for_smtputf8() -> None:
    assert not parse_address("andre@québec.test").needs_smtputf8
    assert parse_address("andré@quebec.test").needs_smtputf8
    assert str(parse_address("andre\u0301@quebec.test")) == "andré@quebec.test"  # NFC


def test_repr_hides_the_address() -> None:
    assert "marie" not in repr(parse_address("marie@client.test"))


@given(st.text() | st.emails())
def test_parsed_address_is_safe_in_smtp_commands(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert not set(str(address)) & set(' <>"\\,;:()[]\t\r\n\0')
    assert address.domain.isascii()
    assert parse_address(str(address)) == address
