"""What can go wrong with a letter. No message here ever holds an address, a password or the server's own words."""


class MailError(Exception):
    """A letter was not sent, or nobody can tell (`MailUnavailable.written`)."""


class MailUnavailable(MailError):
    """The server cannot be reached, is too slow, or asks to come back (a 4xx reply).

    `written` is True where the content had been written and no reply came: the server may have accepted the
    letter (RFC 5321 §4.5.3.2.6), so sending it again may send it twice. A reply, even 4xx after the content,
    is certain: not accepted, `written` is False.
    """

    def __init__(self, message: str, *, written: bool = False) -> None:
        super().__init__(message)
        self.written = written


class MailRefused(MailError):
    """This letter will never go: its recipient, sender or content is refused (5xx), by the server or before it.

    `code` is the server's reply, or None where the letter was refused without asking the server.
    """

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class MailMisconfigured(MailError):
    """The server does not serve us at all: login refused, no TLS, bad certificate, a 5xx greeting.

    It says nothing about the letter, which was not sent; somebody has to look at the settings or the server.
    """
