"""A real SMTP server on loopback that keeps the mail it receives."""

from sandbox.mail.control import control_app
from sandbox.mail.faults import PRESETS, Act, Fault, Stage
from sandbox.mail.mailbox import Mailbox, TlsMode
from sandbox.mail.received import Received, ReceivedAttachment

__all__ = ["PRESETS", "Act", "Fault", "Mailbox", "Received", "ReceivedAttachment", "Stage", "TlsMode", "control_app"]
