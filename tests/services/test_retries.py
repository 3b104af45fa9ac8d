"""The pauses between attempts, and mails in several attempts."""

import time

import pytest

from mail.errors import MailError, MailMisconfigured, MailRefused, MailUnavailable
from mail.mailer import Letter
from services.mailing.sending import pause_after, send_with_retries
from services.retries import backoff
from tests.mail.letters import a_letter

DOWN = MailUnavailable("down")
UNCERTAIN = MailUnavailable("silent", is_uncertain=True)


class FailingMailer:
    """Raises the given errors one by one, then accepts."""

    def __init__(self, errors: list[MailError]) -> None:
        self.errors = errors
        self.calls = 0
        self.message_ids: list[str] = []

    async def send(self, letter: Letter) -> None:
        self.calls += 1
        self.message_ids.append(letter.message_id)
        if self.errors:
            raise self.errors.pop(0)

    async def ready(self) -> None:
        raise NotImplementedError

    async def take_turn(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 2.0), (2, 4.0), (3, 8.0), (7, 128.0), (8, 150.0), (1024, 150.0), (2000, 150.0)]
)
def test_backoff_doubles_up_to_its_bound(failures: int, seconds: float) -> None:
    assert backoff(failures, first=2.0, longest=150.0) == seconds


@pytest.mark.parametrize(
    ("errors", "calls", "is_sent"),
    [
        ([], 1, True),
        ([DOWN], 2, True),
        ([DOWN] * 7, 8, True),
        ([UNCERTAIN], 1, True),
        ([DOWN, UNCERTAIN], 2, True),
        ([MailRefused("refused", code=550)], 1, False),
        ([DOWN, MailRefused("refused", code=550)], 2, False),
        ([MailMisconfigured("login refused")], 1, False),
    ],
)
async def test_a_mail_is_sent_again_while_it_certainly_was_not_sent(
    errors: list[MailError], calls: int, is_sent: bool
) -> None:
    mailer = FailingMailer(list(errors))

    async def pause(_: float) -> bool:
        return True

    assert await send_with_retries(mailer, a_letter(), pause) is is_sent
    assert mailer.calls == calls
    assert len(set(mailer.message_ids)) == 1
    assert "" not in mailer.message_ids


async def test_stop_of_the_process_ends_the_attempts() -> None:
    mailer = FailingMailer([DOWN, DOWN])

    async def stopping(_: float) -> bool:
        return False

    assert not await send_with_retries(mailer, a_letter(), stopping)
    assert mailer.calls == 1


@pytest.mark.parametrize(("elapsed", "seconds"), [(0, 2), (5, 2), (60, 12), (600, 120), (3600, 300), (1e9, 300)])
def test_pauses_between_mails_grow_up_to_a_bound(elapsed: float, seconds: float) -> None:
    assert pause_after(elapsed) == seconds


async def test_attempts_end_after_half_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    async def pause(seconds: float) -> bool:
        nonlocal now
        now += seconds
        return True

    mailer = FailingMailer([DOWN] * 1000)
    assert not await send_with_retries(mailer, a_letter(), pause)
    assert 20 < mailer.calls < 60
    assert 1400 < now <= 1800
