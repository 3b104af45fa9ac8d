"""Failures of mail: the exceptions, and the one place that classifies what an SMTP server or connection did.

No message holds an address, a password or the server's own words.
"""

import re
import ssl
from enum import StrEnum

from aiosmtplib import SMTPException, SMTPResponseException

_MISCONFIGURED_PAUSE_SECONDS = 600.0
# Replies to any command that mean "log in, or encrypt, first" (RFC 4954 §6, RFC 3207 §4).
_LOGIN_REQUIRED = frozenset({530, 534, 535, 538})
_NO_COMMON_TLS = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "UNSUPPORTED_PROTOCOL",
        "NO_PROTOCOLS_AVAILABLE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "NO_SHARED_CIPHER",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
    }
)
"""OpenSSL's reasons of a handshake that fails each time: no TLS on this port, or no common version."""


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


class Refusal(StrEnum):
    """What a refused letter was refused for."""

    RECIPIENT = "recipient"
    """The address does not exist, is closed or takes no mail: whoever gave it can act."""
    SIZE = "size"
    """The letter is too large for the server or the mailbox."""
    OURS = "ours"
    """The sender, its reputation, relaying, a quota or the content: the operator can act, not the recipient."""


class MailRefused(MailError):
    """The recipient, sender or content of this letter is refused for good, by the server (5xx) or before it is asked.

    Attributes:
        code: The server's reply, or None if the server was not asked.
        about: What it was refused for.
    """

    is_permanent = True

    def __init__(self, message: str, *, code: int | None = None, about: Refusal = Refusal.OURS) -> None:
        super().__init__(message)
        self.code = code
        self.about = about


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
_ENHANCED = re.compile(r"\s*5\.([0-9]{1,3})\.([0-9]{1,3})\b")
"""An enhanced status code (RFC 3463) at the beginning of a 5xx reply."""
_RECIPIENT_STATUS = frozenset(
    {(1, 0), (1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 0), (2, 1), (2, 2), (4, 1), (4, 4), (7, 13), (7, 17), (7, 18)}
)
"""Subject and detail of the enhanced codes about the recipient: address, mailbox, route, closed account, or the owner
of the address (RFC 3463, RFC 5248, RFC 7293, RFC 7505). 5.4.1 is what Exchange Online says of an unknown address."""
_SIZE_STATUS = frozenset({(2, 3), (3, 4)})
_RECIPIENT_CODES = frozenset({550, 551, 552, 553, 556})
"""Replies to RCPT that are about the recipient, where the server gives no enhanced code (RFC 5321, RFC 7504)."""
_OUR_WORDS = re.compile(r"relay|spam|block|blacklist|reputation|policy|spf|dkim|dmarc|sender", re.IGNORECASE)
"""Words that say of such a reply that it is about us after all."""
_EXCEEDED = 552
_CLOSING = 421
"""The reply to any command of a server that closes the connection (RFC 5321 §4.2.3)."""


def mail_error(error: SMTPException | OSError, step: SmtpStep) -> MailError:
    """Return the `MailError` for a failure in a step of a session: by the server's reply if there was one."""
    if isinstance(error, SMTPResponseException) and 400 <= error.code < 600:
        return _error_for_reply(error.code, str(error.message), step)
    is_from_connection = isinstance(error, OSError | SMTPResponseException)
    if _is_tls_failure(error) and step in (SmtpStep.GREETING, SmtpStep.TLS):
        root = _root(error)
        if isinstance(root, ssl.SSLCertVerificationError):
            return MailMisconfigured("the mail server's certificate is not trusted")
        if getattr(root, "reason", "") in _NO_COMMON_TLS:
            return MailMisconfigured("TLS with the mail server failed")
        return MailUnavailable(f"TLS with the mail server broke off, {step}")
    if not is_from_connection and step is SmtpStep.TLS:
        return MailMisconfigured("the mail server does not offer STARTTLS")
    if not is_from_connection and step is SmtpStep.LOGIN:
        return MailMisconfigured("the mail server offers no login that we know")
    what = "was too slow" if isinstance(error, TimeoutError) else "could not be reached, or broke off"
    return MailUnavailable(f"the mail server {what}, {step}", is_uncertain=step is SmtpStep.CONTENT)


def _error_for_reply(code: int, reply: str, step: SmtpStep) -> MailError:
    enhanced = _ENHANCED.match(reply)
    status = f" 5.{enhanced[1]}.{enhanced[2]}" if enhanced else ""
    what = f"the mail server said {code}{status}, {step}"
    if code < 500:
        return MailUnavailable(what, is_outage=code == _CLOSING or step not in _ABOUT_ONE_RECIPIENT)
    if step in _ABOUT_THE_LETTER and code not in _LOGIN_REQUIRED:
        return MailRefused(what, code=code, about=_refusal(code, reply, step))
    return MailMisconfigured(what)


def _refusal(code: int, reply: str, step: SmtpStep) -> Refusal:
    """Return what a 5xx reply is about: by its enhanced status code or, without one, by code, step and words."""
    if enhanced := _ENHANCED.match(reply):
        status = int(enhanced[1]), int(enhanced[2])
        if status in _SIZE_STATUS:
            return Refusal.SIZE
        # To MAIL, 5.1.x is about the sender.
        is_about_recipient = status in _RECIPIENT_STATUS and step in _ABOUT_ONE_RECIPIENT
        return Refusal.RECIPIENT if is_about_recipient else Refusal.OURS
    if step is SmtpStep.RECIPIENT and code in _RECIPIENT_CODES and not _OUR_WORDS.search(reply):
        return Refusal.RECIPIENT
    if code == _EXCEEDED and step is not SmtpStep.RECIPIENT:  # RFC 1870 §6.1
        return Refusal.SIZE
    return Refusal.OURS


def refusal_of_report(status: str, diagnostic: str) -> Refusal:
    """Return what a delivery report (RFC 3464) says that a letter was refused for.

    Args:
        status: The field Status, such as `5.1.1`.
        diagnostic: The field Diagnostic-Code, such as `smtp; 550 5.1.1 No such user`; may be empty.
    """
    said = re.match(r"\s*smtp\s*;\s*(5[0-9]{2})[ -](.*)", diagnostic, re.IGNORECASE | re.DOTALL)
    code, reply = (int(said[1]), said[2]) if said else (550, "")
    if not _ENHANCED.match(reply) and not status.startswith("5.0"):  # 5.0.0 says nothing
        reply = f"{status} {reply}"
    return _refusal(code, reply, SmtpStep.RECIPIENT)


def _root(error: BaseException) -> BaseException:
    return error if isinstance(error, ssl.SSLError) else error.__cause__ or error


def _is_tls_failure(error: BaseException) -> bool:
    # OpenSSL calls a connection that ends during the handshake an SSL error too; it is no failure of TLS.
    root = _root(error)
    return isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def kind_of(error: MailError) -> str:
    """Return the kind of a failure for the metric: what was refused, or why nothing was."""
    match error:
        case MailRefused(about=about):
            return about
        case MailMisconfigured():
            return "misconfigured"
    return "uncertain" if error.is_uncertain else "unavailable"
