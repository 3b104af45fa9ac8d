"""The pauses between attempts, and mails in several attempts."""

from collections.abc import Iterator

import pytest
import stamina

from mail.errors import MailError, MailMisconfigured, MailRefused, MailUnavailable
from mail.mailer import Letter
from services.mailing.sending import send_with_retries
from services.retries import backoff
from tests.mail.letters import a_letter

DOWN = MailUnavailable("down")
UNCERTAIN = MailUnavailable("silent", is_uncertain=True)


@pytest.fixture
def no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


class FailingMailer:
    """Raises the given errors one by one, then accepts."""

    def __init__(self, errors: list[MailError]) -> None:
        self.errors = errors
        self.calls = 0

    async def send(self, letter: Letter) -> None:
        self.calls += 1
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


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("errors", "calls", "is_sent"),
    [
        ([], 1, True),
        ([DOWN], 2, True),
        ([DOWN, DOWN], 3, True),
        ([DOWN, DOWN, DOWN], 3, False),
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
    assert await send_with_retries(mailer, a_letter()) is is_sent
    assert mailer.calls == calls


async def test_the_pauses_between_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: pauses.append(details.wait_for)])
    monkeypatch.setattr("asyncio.sleep", _no_sleep)
    try:
        await send_with_retries(FailingMailer([DOWN, DOWN]), a_letter())
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert pauses == [1.0, 3.0]


async def _no_sleep(_: float) -> None:
    return
