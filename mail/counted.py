"""Counts letters by kind and outcome, for the metrics."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from mail.errors import MailError, Refusal, kind_of
from mail.mailer import Letter, LetterKind, Mailer

SESSION = "session"
"""The kind of a session without a letter."""
KINDS = (*LetterKind, SESSION)
OUTCOMES = ("ok", "cancelled", "unavailable", "uncertain", "misconfigured", *Refusal)
"""The last ones are those of ``kind_of``."""


class CountedMailer:
    """A ``Mailer`` that counts what another one does."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """By ``KINDS`` and ``OUTCOMES``."""

    async def send(self, letter: Letter) -> None:
        """See ``Mailer``."""
        with self._counted(letter.kind):
            await self._mailer.send(letter)

    async def ready(self) -> None:
        """See ``Mailer``."""
        with self._counted(SESSION):
            await self._mailer.ready()

    async def take_turn(self) -> None:
        """See ``Mailer``."""
        await self._mailer.take_turn()

    @contextmanager
    def _counted(self, kind: str) -> Iterator[None]:
        outcome = "cancelled"
        try:
            yield
            outcome = "ok"
        except MailError as error:
            outcome = kind_of(error)
            raise
        finally:
            self.outcomes[kind, outcome] += 1
