"""What comes back on a mail: a person's reply, and a mail server's report that it was not delivered (RFC 3464)."""

from email import message_from_bytes
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText

from sandbox.mail.received import Received


def reply_to(letter: Received, text: str, *, sender: str = "") -> EmailMessage:
    """Return a reply as mail programs write it, with the mail quoted below; ``sender`` empty: the mail's recipient."""
    message = EmailMessage()
    message["From"], message["To"] = sender or letter.to[0], letter.headers.get("Reply-To") or letter.sender
    message["Subject"] = f"Re: {letter.subject}"
    quoted = "\n".join(f"> {line}" for line in letter.text.splitlines())
    message.set_content(f"{text}\n\nLe mardi 3 nov. 2026, Odotrack a écrit :\n{quoted}")
    return message


def bounce_of(
    copy: bytes,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = "smtp; 550 5.1.1 No such user",
    returns: str = "message/rfc822",
) -> bytes:
    """Return the report that a mail came back.

    Args:
        copy: The mail that is returned, or only its headers if ``returns`` is ``text/rfc822-headers``.
    """
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["To"] = "MAILER-DAEMON@mx.test", "odobot@odotrack.test"
    report["Subject"], report["Auto-Submitted"] = "Undelivered Mail Returned to Sender", "auto-replied"
    report.attach(MIMEText("Sorry."))
    fields = MIMENonMultipart("message", "delivery-status")
    server, recipient = Message(), Message()
    server["Reporting-MTA"] = "dns; mx.test"
    recipient["Final-Recipient"] = "rfc822; compta@cabinet.example"
    recipient["Action"], recipient["Status"] = action, status
    if diagnostic:
        recipient["Diagnostic-Code"] = diagnostic
    fields.set_payload([server, recipient])
    report.attach(fields)
    returned = message_from_bytes(copy)
    if returns == "message/rfc822":
        report.attach(MIMEMessage(returned))
    else:
        headers = MIMENonMultipart("text", "rfc822-headers")
        headers.set_payload("".join(f"{name}: {value}\n" for name, value in returned.items()))
        report.attach(headers)
    return report.as_bytes()
