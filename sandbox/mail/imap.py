"""A mailbox with one folder over IMAP4rev1, on loopback: what a client needs to log in, search, read and flag mails."""

import asyncio
import base64
import re
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal, Self
from urllib.parse import quote

from sandbox.mail.certificates import certificates

_LINE = 64 * 1024


@dataclass(slots=True)
class KeptMail:
    """A mail in the folder."""

    uid: int
    raw: bytes = field(repr=False)
    is_seen: bool = False


@dataclass(slots=True)
class ImapFaults:
    """What the server does wrong, from now on."""

    refuses_login: bool = False
    hangs: bool = False
    """Whether it never answers a search."""
    drops_at_fetch: bool = False
    """Whether the connection breaks instead of a mail."""


class ImapMailbox:
    """The server. Mails are put into its folder by `deliver`."""

    def __init__(
        self,
        *,
        user: str = "stop@odotrack.test",
        password: str = "imap secret",  # noqa: S107  (of the sandbox)
        tls: Literal["off", "starttls", "implicit"] = "off",
    ) -> None:
        self.port = 0
        self.faults = ImapFaults()
        self.uid_validity = 1
        self.mails: list[KeptMail] = []
        self.sessions = 0
        """How many logins succeeded, ever."""
        self.commands: list[str] = []
        """The commands that were received, without their arguments."""
        self._user, self._password, self._tls = user, password, tls
        self._server: asyncio.Server | None = None
        self._change = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        context = certificates().server_context() if self._tls == "implicit" else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context, limit=_LINE)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The value for ODOBOT_IMAP_URL."""
        scheme, option = {"off": ("imap", "?tls=off"), "starttls": ("imap", ""), "implicit": ("imaps", "")}[self._tls]
        login = f"{quote(self._user, safe='')}:{quote(self._password, safe='')}"
        return f"{scheme}://{login}@127.0.0.1:{self.port}/INBOX{option}"

    def client_context(self) -> ssl.SSLContext:
        """Return a TLS context that trusts the server."""
        return certificates().client_context()

    def deliver(self, mail: EmailMessage | bytes) -> int:
        """Put a mail into the folder. Returns: its UID."""
        uid = self.mails[-1].uid + 1 if self.mails else 1
        self.mails.append(KeptMail(uid, mail if isinstance(mail, bytes) else mail.as_bytes()))
        return uid

    async def wait_until_seen(self, uid: int, timeout: float = 20.0) -> None:
        """Wait until a mail is marked as read. Raises: TimeoutError."""
        async with asyncio.timeout(timeout), self._change:
            await self._change.wait_for(lambda: any(mail.uid == uid and mail.is_seen for mail in self.mails))

    async def wait_for_sessions(self, count: int, timeout: float = 20.0) -> None:
        """Wait until so many logins succeeded and their sessions ended. Raises: TimeoutError."""
        async with asyncio.timeout(timeout), self._change:
            await self._change.wait_for(lambda: self.sessions >= count and not self._tasks)

    async def wait_until_idle(self, timeout: float = 20.0) -> None:
        """Wait until no connection is open. Raises: TimeoutError."""
        async with asyncio.timeout(timeout), self._change:
            await self._change.wait_for(lambda: not self._tasks)

    async def wait_for_command(self, name: str, timeout: float = 20.0) -> None:
        """Wait until a command was received. Raises: TimeoutError."""
        async with asyncio.timeout(timeout), self._change:
            await self._change.wait_for(lambda: name in self.commands)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await _Connection(self, reader, writer, self._change).serve()
        except (ConnectionError, ValueError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            async with self._change:
                self._change.notify_all()

    def accepts(self, user: str, password: str) -> bool:
        """Return whether a login is right."""
        return not self.faults.refuses_login and (user, password) == (self._user, self._password)

    @property
    def offers_starttls(self) -> bool:
        return self._tls == "starttls"


class _Connection:
    def __init__(
        self,
        mailbox: ImapMailbox,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        change: asyncio.Condition,
    ) -> None:
        self._mailbox, self._reader, self._writer, self._change = mailbox, reader, writer, change
        self._is_encrypted = False

    async def serve(self) -> None:
        self._say("* OK IMAP4rev1 sandbox")
        while line := (await self._reader.readline()).decode("utf-8", "replace").rstrip("\r\n"):
            tag, _, rest = line.partition(" ")
            name, _, arguments = rest.partition(" ")
            name = name.upper()
            if name == "UID":
                name, _, arguments = arguments.partition(" ")
                name = name.upper()
            self._mailbox.commands.append(name)
            async with self._change:
                self._change.notify_all()
            if not await self._answer(tag, name, arguments):
                return
            await self._writer.drain()

    def _say(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")

    async def _answer(self, tag: str, name: str, arguments: str) -> bool:
        """Answer one command. Returns: False where the connection ends."""
        done = f"{tag} OK done"
        match name:
            case "CAPABILITY":
                starttls = " STARTTLS" if self._mailbox.offers_starttls and not self._is_encrypted else ""
                self._say(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN{starttls}")
            case "STARTTLS":
                self._say(done)
                await self._writer.drain()
                await self._writer.start_tls(certificates().server_context())
                self._is_encrypted = True
                return True
            case "AUTHENTICATE":
                self._say("+ ")
                given = base64.b64decode(await self._reader.readline()).decode().split("\0")
                done = self._log_in(tag, given[1], given[2])
            case "SELECT":
                self._say(f"* {len(self._mailbox.mails)} EXISTS")
                self._say(f"* OK [UIDVALIDITY {self._mailbox.uid_validity}] UIDs valid")
                done = f"{tag} OK [READ-WRITE] selected" if "INBOX" in arguments else f"{tag} NO no such folder"
            case "SEARCH":
                if self._mailbox.faults.hangs:
                    await asyncio.Event().wait()
                self._say(" ".join(["* SEARCH", *(str(mail.uid) for mail in self._found(arguments))]))
            case "FETCH":
                if self._mailbox.faults.drops_at_fetch:
                    return False
                self._fetch(arguments)
            case "STORE":
                await self._store(arguments)
            case "LOGOUT":
                self._say("* BYE")
                self._say(done)
                return False
            case _:
                done = f"{tag} BAD not known here"
        self._say(done)
        return True

    def _log_in(self, tag: str, user: str, password: str) -> str:
        if not self._mailbox.accepts(user, password):
            return f"{tag} NO [AUTHENTICATIONFAILED] wrong login"
        self._mailbox.sessions += 1
        return f"{tag} OK logged in"

    def _found(self, criteria: str) -> list[KeptMail]:
        mails = self._mailbox.mails
        if after := re.fullmatch(r"UID (\d+):\*", criteria):
            return [mail for mail in mails if mail.uid >= int(after[1])] or mails[-1:]
        return [mail for mail in mails if not mail.is_seen]

    def _fetch(self, arguments: str) -> None:
        found = re.fullmatch(r"(\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", arguments)
        for position, mail in enumerate(self._mailbox.mails, 1):
            if found and mail.uid == int(found[1]):
                part = mail.raw[: int(found[2])]
                self._say(f"* {position} FETCH (UID {mail.uid} BODY[]<0> {{{len(part)}}}")
                self._writer.write(part + b")\r\n")

    async def _store(self, arguments: str) -> None:
        uid = int(arguments.partition(" ")[0])
        for mail in self._mailbox.mails:
            if mail.uid == uid and "+FLAGS" in arguments and r"\Seen" in arguments:
                mail.is_seen = True
        async with self._change:
            self._change.notify_all()
