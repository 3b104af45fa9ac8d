"""Reports of mail servers that a mail came back (RFC 3464)."""

from email import message_from_bytes
from email.message import Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText


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
