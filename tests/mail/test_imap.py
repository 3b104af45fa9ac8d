"""The mailbox over IMAP: what is read of it, and how its failures are classified."""

import asyncio

import pytest

from mail.errors import MailError, MailMisconfigured, MailUnavailable
from mail.imap import ImapMailbox
from mail.server import parse_imap_url
from sandbox.mail.imap import ImapMailbox as Server

MAIL = b"From: a@b.test\r\nSubject: one\r\n\r\nHello\r\n"


def mailbox_at(server: Server, **changes: str) -> ImapMailbox:
    url = server.url
    for old, new in changes.items():
        url = url.replace(old, new)
    return ImapMailbox(parse_imap_url(url), ssl_context=server.client_context())


@pytest.mark.parametrize("tls", ["off", "starttls", "implicit"])
async def test_mails_are_read_and_marked(tls: str) -> None:
    async with Server(tls=tls) as server:  # type: ignore[arg-type]
        first, second = server.deliver(MAIL), server.deliver(MAIL * 1000)
        async with mailbox_at(server).session() as session:
            assert await session.uids(None) == [first, second]
            assert await session.fetch(first, 10_000) == MAIL
            assert await session.fetch(second, 100) == (MAIL * 1000)[:100]
            assert await session.fetch(99, 100) is None
            assert [mail.is_seen for mail in server.mails] == [False, False]
            await session.mark_seen(first)
            assert await session.uids(None) == [second]
            assert await session.uids(first) == [second]
            assert await session.uids(second) == []
        assert [mail.is_seen for mail in server.mails] == [True, False]
        assert len(server.mails) == 2
        assert server.commands[-1] == "LOGOUT"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_certificate_is_checked(tls: str) -> None:
    async with Server(tls=tls) as server:  # type: ignore[arg-type]
        with pytest.raises(MailMisconfigured, match="certificate"):
            await ImapMailbox(parse_imap_url(server.url)).ready()
        assert server.sessions == 0


async def test_server_without_starttls_gets_no_password() -> None:
    async with Server() as server:
        url = server.url.removesuffix("?tls=off")
        with pytest.raises(MailMisconfigured, match="STARTTLS"):
            await ImapMailbox(parse_imap_url(url)).ready()
        assert "AUTHENTICATE" not in server.commands


async def test_failures_are_classified_without_facts() -> None:
    async with Server() as server:
        failures: list[MailError] = []
        for mailbox in (mailbox_at(server, secret="other"), mailbox_at(server, INBOX="Nowhere")):
            with pytest.raises(MailMisconfigured) as caught:
                await mailbox.ready()
            failures.append(caught.value)
        server.deliver(MAIL)
        server.faults.drops_at_fetch = True
        with pytest.raises(MailUnavailable) as broken:
            async with mailbox_at(server).session() as session:
                await session.fetch(1, 100)
        failures.append(broken.value)
        gone = mailbox_at(server)
    with pytest.raises(MailUnavailable) as refused:
        await gone.ready()
    failures.append(refused.value)
    for failure in failures:
        assert "odotrack" not in str(failure)
        assert "other" not in str(failure)
        assert failure.__context__ is None


async def test_cancelled_command_ends_at_once() -> None:
    """The thread does not wait for the answer that a hanging server never gives."""
    async with Server() as server:
        server.faults.hangs = True

        async def search() -> None:
            async with mailbox_at(server).session() as session:
                await session.uids(None)

        task = asyncio.create_task(search())
        async with asyncio.timeout(20):
            await server.wait_for_command("SEARCH")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.get_running_loop().shutdown_default_executor()


async def test_connection_that_nobody_waits_for_is_closed() -> None:
    """A stop while the connection is made: the server sees its end."""
    async with Server() as server:
        task = asyncio.create_task(mailbox_at(server).ready())
        await server.wait_for_command("CAPABILITY")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.wait_until_idle()
