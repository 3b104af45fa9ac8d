"""The classification of SMTP failures: permanent or not, certain or not, and the pause."""

import ssl

import pytest
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPReadTimeoutError,
    SMTPRecipientRefused,
    SMTPServerDisconnected,
)

from mail.errors import MailError, MailMisconfigured, MailRefused, MailUnavailable, Refusal, SmtpStep, mail_error

FAILURES: list[tuple[SMTPException | OSError, SmtpStep, type[MailError], bool]] = [
    (SMTPConnectError("no route"), SmtpStep.GREETING, MailUnavailable, False),
    (ConnectionResetError(), SmtpStep.GREETING, MailUnavailable, False),
    (SMTPServerDisconnected("lost"), SmtpStep.DATA, MailUnavailable, False),
    (SMTPServerDisconnected("lost"), SmtpStep.CONTENT, MailUnavailable, True),
    (SMTPReadTimeoutError("slow"), SmtpStep.RECIPIENT, MailUnavailable, False),
    (SMTPReadTimeoutError("slow"), SmtpStep.CONTENT, MailUnavailable, True),
    (SMTPDataError(451, "later"), SmtpStep.CONTENT, MailUnavailable, False),
    (SMTPRecipientRefused(450, "greylisted", "a@b.test"), SmtpStep.RECIPIENT, MailUnavailable, False),
    (SMTPRecipientRefused(550, "unknown", "a@b.test"), SmtpStep.RECIPIENT, MailRefused, False),
    (SMTPDataError(554, "spam"), SmtpStep.CONTENT, MailRefused, False),
    (SMTPRecipientRefused(530, "log in first", "a@b.test"), SmtpStep.RECIPIENT, MailMisconfigured, False),
    (SMTPAuthenticationError(535, "wrong"), SmtpStep.LOGIN, MailMisconfigured, False),
    (SMTPAuthenticationError(454, "busy"), SmtpStep.LOGIN, MailUnavailable, False),
    (SMTPNotSupported("no AUTH"), SmtpStep.LOGIN, MailMisconfigured, False),
    (SMTPException("no STARTTLS"), SmtpStep.TLS, MailMisconfigured, False),
    (ssl.SSLCertVerificationError("self-signed"), SmtpStep.TLS, MailMisconfigured, False),
    (ssl.SSLError("bad record"), SmtpStep.GREETING, MailUnavailable, False),
    (ssl.SSLEOFError("closed"), SmtpStep.GREETING, MailUnavailable, False),
]


@pytest.mark.parametrize(
    ("error", "step", "expected", "is_uncertain"),
    FAILURES,
    ids=[f"{type(e).__name__}-{s.name}" for e, s, _, _ in FAILURES],
)
def test_failures_of_a_session(
    error: SMTPException | OSError, step: SmtpStep, expected: type[MailError], is_uncertain: bool
) -> None:
    found = mail_error(error, step)
    assert type(found) is expected
    assert found.is_uncertain == is_uncertain
    assert found.is_permanent == (expected is MailRefused)
    assert found.retry_after == (600.0 if expected is MailMisconfigured else None)
    assert "a@b.test" not in str(found)


REFUSALS = [
    (SmtpStep.RECIPIENT, 550, "5.1.1 no such user", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 550, "5.1.10 null MX", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 550, "5.2.1 mailbox disabled", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 552, "5.2.2 mailbox full", Refusal.RECIPIENT),
    (SmtpStep.CONTENT, 550, "5.1.1 unknown, said late", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 550, "5.4.1 Recipient address rejected: Access denied", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 550, "no such user here", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 553, "mailbox name not allowed", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 552, "mailbox full", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 556, "domain takes no mail", Refusal.RECIPIENT),
    (SmtpStep.RECIPIENT, 554, "5.7.1 Relay access denied", Refusal.OURS),
    (SmtpStep.RECIPIENT, 550, "relaying denied", Refusal.OURS),
    (SmtpStep.RECIPIENT, 550, "5.7.1 blocked using a list", Refusal.OURS),
    (SmtpStep.RECIPIENT, 554, "no service here", Refusal.OURS),
    (SmtpStep.SENDER, 550, "5.1.1 sender unknown", Refusal.OURS),
    (SmtpStep.SENDER, 550, "5.4.5 daily quota exceeded", Refusal.OURS),
    (SmtpStep.CONTENT, 554, "5.7.1 spam", Refusal.OURS),
    (SmtpStep.CONTENT, 554, "5.6.0 bad content", Refusal.OURS),
    (SmtpStep.CONTENT, 550, "message rejected", Refusal.OURS),
    (SmtpStep.SENDER, 552, "5.3.4 too big", Refusal.SIZE),
    (SmtpStep.CONTENT, 554, "5.2.3 too big for the mailbox", Refusal.SIZE),
    (SmtpStep.CONTENT, 552, "message too big", Refusal.SIZE),
    (SmtpStep.SENDER, 552, "message too big", Refusal.SIZE),
]


@pytest.mark.parametrize(("step", "code", "reply", "about"), REFUSALS)
def test_what_a_refusal_is_about(step: SmtpStep, code: int, reply: str, about: Refusal) -> None:
    found = mail_error(SMTPDataError(code, reply), step)
    assert isinstance(found, MailRefused)
    assert found.about is about
    assert reply.partition(" ")[2] not in str(found), "the server's words may name an address"


@pytest.mark.parametrize("reason", ["WRONG_VERSION_NUMBER", "NO_SHARED_CIPHER"])
def test_tls_that_never_works(reason: str) -> None:
    error = ssl.SSLError("handshake")
    error.reason = reason
    assert isinstance(mail_error(error, SmtpStep.TLS), MailMisconfigured)
