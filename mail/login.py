"""Log in to a mail server: by each method that both sides know, until one succeeds."""

import structlog
from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException

from mail.server import SmtpServer

_CLOSING = 421

log = structlog.get_logger()
_reported: set[tuple[str, str]] = set()
"""Server and method of the failures that were logged: one line for each in the life of the process."""


async def log_in(client: SMTP, server: SmtpServer) -> None:
    """Log in by the methods that the server offers, in the library's order.

    A method may be refused, or fail on this machine: CRAM-MD5 needs MD5, which FIPS forbids.

    Raises:
        SMTPAuthenticationError: The reply of the last method that the server refused.
        SMTPException: The server offers no method that works here, or the connection was lost.
    """
    refused: SMTPAuthenticationError | None = None
    methods = {"cram-md5": client.auth_crammd5, "plain": client.auth_plain, "login": client.auth_login}
    for name in client.supported_auth_methods:
        if name not in methods:
            continue
        try:
            await methods[name](server.user, server.password)
        except SMTPAuthenticationError as error:
            refused = error
            _report(server, name, f"the server said {error.code}")
            if error.code == _CLOSING:
                break
        except (SMTPException, OSError):
            raise
        except Exception as error:  # hashlib's ValueError, and others of a crippled library
            _report(server, name, type(error).__name__)
            await client.execute_command(b"*")  # end the exchange that was begun (RFC 4954 §4)
        else:
            return
    if refused is None:
        _report(server, " ".join(client.server_auth_methods) or "none", "no method that works here is offered")
    raise refused or SMTPException("no login method works")


def _report(server: SmtpServer, method: str, reason: str) -> None:
    if (server.host, method) not in _reported:
        _reported.add((server.host, method))
        log.warning("mail.login_method_failed", server=server.host, method=method, reason=reason)
