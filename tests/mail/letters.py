"""Helpers of the mail tests: a letter, and a mailer for a mailbox."""

from typing import Any

from mail.mailer import Letter
from mail.server import parse_smtp_url
from mail.smtp import SmtpMailer
from sandbox.mail import Mailbox

SENDER = "Odotrack, Québec inc. <noreply@odotrack.test>"
RECIPIENT = "marie@client.test"


def a_letter(**changes: Any) -> Letter:
    usual = {
        "to": RECIPIENT,
        "subject": "Votre code\u00a0: 123 456",
        "text": "Bonjour Marie,\n\n.Votre code\u00a0: 123\u202f456\n",
        "html": "<p>Bonjour <b>Marie</b>, votre code\u00a0: 123\u202f456</p>\n",
        "language": "fr-CA",
    }
    return Letter(**(usual | changes))


def mailer_on(mailbox: Mailbox, *, url: str = "", trusted: bool = True, timeout: float = 2.0) -> SmtpMailer:
    context = mailbox.client_context() if trusted else None
    return SmtpMailer(parse_smtp_url(url or mailbox.url), SENDER, timeout, ssl_context=context)
