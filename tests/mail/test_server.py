"""ODOBOT_SMTP_URL."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from mail.server import SmtpServer, Tls, parse_smtp_url

PASSWORD = "hunter2-very-secret"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.odotrack.test", SmtpServer("mail.odotrack.test", 587, Tls.STARTTLS)),
        ("smtp://mail.odotrack.test:2525/", SmtpServer("mail.odotrack.test", 2525, Tls.STARTTLS)),
        ("SMTP://Mail.Odotrack.TEST", SmtpServer("mail.odotrack.test", 587, Tls.STARTTLS)),
        ("smtps://mail.odotrack.test", SmtpServer("mail.odotrack.test", 465, Tls.IMPLICIT)),
        ("smtps://me:p%40ss%2F@[2001:db8::1]:1465", SmtpServer("2001:db8::1", 1465, Tls.IMPLICIT, "me", "p@ss/")),
        ("smtp://me%40x.test:%C3%A9@h.test", SmtpServer("h.test", 587, Tls.STARTTLS, "me@x.test", "é")),
        ("smtp://me@x.test:p@ss@h.test", SmtpServer("h.test", 587, Tls.STARTTLS, "me@x.test", "p@ss")),
        ("smtp://me:a:b@h.test", SmtpServer("h.test", 587, Tls.STARTTLS, "me", "a:b")),
        ("smtp://smtp_relay:587", SmtpServer("smtp_relay", 587, Tls.STARTTLS)),
        ("smtp://localhost?tls=off", SmtpServer("localhost", 25, Tls.OFF)),
        ("smtp://127.9.9.9:1025?tls=off", SmtpServer("127.9.9.9", 1025, Tls.OFF)),
        ("smtp://[::1]:1025/?tls=off", SmtpServer("::1", 1025, Tls.OFF)),
    ],
)
def test_parse_smtp_url(url: str, expected: SmtpServer) -> None:
    assert parse_smtp_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.odotrack.test:587",
        "http://mail.odotrack.test",
        "smtp://",
        "smtp://:587",
        "smtp://mail test",
        "smtp://mail..test",
        "smtp://-mail.test",
        "smtp://mail-.test/",
        f"smtp://{'x' * 64}.test",
        f"smtp://me:{PASSWORD}@",
        f"smtp://me:{PASSWORD}@h.test:0",
        f"smtp://me:{PASSWORD}@h.test:65536",
        f"smtp://me:{PASSWORD}@h.test:smtp",
        f"smtp://me:/{PASSWORD}@h.test",  # a slash that was not encoded: the password is read as the port or path
        f"smtp://me:{PASSWORD}/x@h.test",
        f"smtp://me:{PASSWORD}#x@h.test",
        f"smtp://me:{PASSWORD}?x@h.test",
        f"smtp://me:[{PASSWORD}@h.test",
        f"smtp://me:{PASSWORD}@h.test/inbox",
        f"smtp://me:{PASSWORD}@h.test#",
        f"smtp://me:{PASSWORD}%FF@h.test",
        f"smtp://me:{PASSWORD}%00@h.test",
        f"smtp://me:{PASSWORD}\n@h.test",
        f"smtp://me:{PASSWORD}@h℀.test",
        f"smtp://:{PASSWORD}@h.test",
        "smtp://me@h.test",
        "smtp://me:@h.test",
        "smtp://@h.test",
        "smtp://[fe80::1%25eth0]",
        f"smtp://me:{PASSWORD}@h.test?tls=off",
        "smtp://128.0.0.1?tls=off",
        "smtp://localhost.evil.test?tls=off",
        "smtp://localhost?tls=on",
        "smtp://localhost?tls=off&tls=off",
        "smtps://localhost?tls=off",
    ],
)
def test_parse_smtp_url_rejects(url: str) -> None:
    """The error does not repeat the URL, which may hold a password."""
    with pytest.raises(ValueError, match=r"^(expected smtp://|\?tls=off is taken only)") as caught:
        parse_smtp_url(url)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__context__ is None  # urllib's error would repeat the URL
    assert "\n" not in str(caught.value)


def test_repr_hides_the_login() -> None:
    shown = repr(parse_smtp_url(f"smtp://me%40x.test:{PASSWORD}@h.test"))
    assert PASSWORD not in shown
    assert "me@x" not in shown
    assert "h.test" in shown


words = st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
hosts = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,10}){0,3}", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)


@given(hosts, st.integers(1, 65535), st.sampled_from([Tls.STARTTLS, Tls.IMPLICIT]), st.tuples(words, words) | st.none())
def test_parse_smtp_url_round_trip(host: str, port: int, tls: Tls, login: tuple[str, str] | None) -> None:
    user, password = login or ("", "")
    userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}@" if login else ""
    authority = f"[{host}]" if ":" in host else host
    scheme = "smtps" if tls is Tls.IMPLICIT else "smtp"
    expected = SmtpServer(host, port, tls, user, password)
    assert parse_smtp_url(f"{scheme}://{userinfo}{authority}:{port}") == expected


@given(st.text())
def test_parse_smtp_url_raises_only_value_error(text: str) -> None:
    for url in (text, f"smtp://{text}", f"smtp://me:{text}@h.test"):
        with suppress(ValueError):
            assert parse_smtp_url(url).port
