"""Failures of mail: the exceptions, and the one place that classifies what an SMTP server or connection did.

No message holds an address, a password or the server's own words.
"""

import ssl
from enum import StrEnum

from aiosmtplib import SMTPException, SMTPResponseException

_MISCONFIGURED_PAUSE_SECONDS = 600.0
# Replies to any command that mean "log in, or encrypt, first" (RFC 4954 §6, RFC 3207 §4).
_LOGIN_REQUIRED = frozenset({530, 534, 535, 538})


class MailError(Exception):
    """A letter was not sent, or that is unknown.

    Attributes:
        is_uncertain: the server may have accepted the letter, so that sending it again may send it twice.
        is_permanent: the same letter will be refused again.
        is_outage: the server fails as a whole, so that other letters would fail too.
        retry_after: seconds to wait before the next attempt; None if any pause will do.
    """

    is_uncertain = False
    is_outage = False
    is_permanent = False
    retry_after: float | None = None


class MailUnavailable(MailError):
    """The server cannot be reached, is too slow, or asks to try later (a 4xx reply).

    `is_uncertain` is True if the content was written and no reply came (RFC 5321 §4.5.3.2.6). After a reply, even 4xx
    after the content, it is certain that the letter was not accepted.
    """

    def __init__(self, message: str, *, is_uncertain: bool = False, is_outage: bool = True) -> None:
        super().__init__(message)
        self.is_uncertain = is_uncertain
        self.is_outage = is_outage


class MailRefused(MailError):
    """The recipient, sender or content of this letter is refused for good, by the server (5xx) or before it is asked.

    `code` is the server's reply, or None if the server was not asked.
    """

    is_permanent = True

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class MailMisconfigured(MailError):
    """The server refuses every letter: login refused, no TLS, bad certificate, a 5xx greeting.

    An operator has to check the settings or the server; the letter was not sent.
    """

    is_outage = True
    retry_after = _MISCONFIGURED_PAUSE_SECONDS


class SmtpStep(StrEnum):
    """A step of an SMTP session, in words for the operator."""

    GREETING = "greeting us"
    TLS = "starting TLS"
    LOGIN = "logging us in"
    SENDER = "taking the sender"
    RECIPIENT = "taking the recipient"
    DATA = "getting ready for the content"
    CONTENT = "taking the content"
    """From here on, a missing reply means uncertain."""


_ABOUT_THE_LETTER = frozenset({SmtpStep.SENDER, SmtpStep.RECIPIENT, SmtpStep.DATA, SmtpStep.CONTENT})
_ABOUT_ONE_RECIPIENT = frozenset({SmtpStep.RECIPIENT, SmtpStep.CONTENT})
_CLOSING = 421
"""The reply to any command of a server that closes the connection (RFC 5321 §4.2.3)."""


def mail_error(error: SMTPException | OSError, step: SmtpStep) -> MailError:
    """Return the `MailError` for a failure in a step of a session: by the server's reply if there was one."""
    if isinstance(error, SMTPResponseException) and 400 <= error.code < 600:
        return _error_for_reply(error.code, step)
    is_from_connection = isinstance(error, OSError | SMTPResponseException)
    if _is_tls_failure(error) and step in (SmtpStep.GREETING, SmtpStep.TLS):
        is_untrusted = isinstance(_root(error), ssl.SSLCertVerificationError)
        what = "the mail server's certificate is not trusted" if is_untrusted else "TLS with the mail server failed"
        return MailMisconfigured(what)
    if not is_from_connection and step is SmtpStep.TLS:
        return MailMisconfigured("the mail server does not offer STARTTLS")
    if not is_from_connection and step is SmtpStep.LOGIN:
        return MailMisconfigured("the mail server offers no login that we know")
    what = "was too slow" if isinstance(error, TimeoutError) else "could not be reached, or broke off"
    return MailUnavailable(f"the mail server {what}, {step}", is_uncertain=step is SmtpStep.CONTENT)


def _error_for_reply(code: int, step: SmtpStep) -> MailError:
    what = f"the mail server said {code}, {step}"
    if code < 500:
        return MailUnavailable(what, is_outage=code == _CLOSING or step not in _ABOUT_ONE_RECIPIENT)
    if step in _ABOUT_THE_LETTER and code not in _LOGIN_REQUIRED:
        return MailRefused(what, code=code)
    return MailMisconfigured(what)


def _root(error: BaseException) -> BaseException:
    return error if isinstance(error, ssl.SSLError) else error.__cause__ or error


def _is_tls_failure(error: BaseException) -> bool:
    # OpenSSL calls a connection that ends during the handshake an SSL error too; it is no failure of TLS.
    root = _root(error)
    return isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLEOFError | ssl.SSLZeroReturnError)
