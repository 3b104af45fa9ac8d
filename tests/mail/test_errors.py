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

from mail.errors import MailError, MailMisconfigured, MailRefused, MailUnavailable, SmtpStep, mail_error

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
    (ssl.SSLError("wrong version"), SmtpStep.GREETING, MailMisconfigured, False),
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
