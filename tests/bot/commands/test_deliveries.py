"""``odobot deliveries``: list, explain, retry and cancel, on a database that workers change, too."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from sqlmodel import col, select, update

from bot.commands.deliveries import words
from services.notices.delivery.outcomes import GIVEN_UP, NEVER_FOUND
from storage import chats
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import delivery_preferences, outbox
from storage.notices.bookkeeper_copies import ALREADY_MAILED
from storage.notices.outbox import SEEN
from storage.operator import deliveries as stored
from storage.operator.deliveries import BY_OPERATOR, RecipientFacts, StoredDelivery
from storage.tables import Channel, Delivery, State
from tests.bot.commands import events_of, facts_of, opened_as_operator, queued
from tests.bot.test_cli import Shell
from tests.storage import EMAIL, NOW, later


@dataclass
class Outbox:
    """The operator's shell, and the database that workers share with it."""

    shell: Shell
    database: Database

    async def set(self, delivery_id: int, **values: object) -> None:
        async with self.database.write() as session:
            await session.change(update(Delivery).where(col(Delivery.delivery_id) == delivery_id).values(**values))

    async def row(self, delivery_id: int) -> Delivery:
        async with self.database.read() as session:
            return (await session.exec(select(Delivery).where(col(Delivery.delivery_id) == delivery_id))).one()


@pytest.fixture
async def box(operator: Shell, database_url: str) -> AsyncIterator[Outbox]:
    """Five deliveries: invoices 1 to 3 to chat 1 and the account a1, 4 to chat 2 and a2, 5 as a copy of a2."""
    database = opened_as_operator(database_url)
    async with database.write() as session:
        for chat in (1, 2):
            link = NewLink(f"c{chat}", f"a{chat}", "Client", frozenset({"invoices"}), EMAIL)
            await links.add_links(session, chat, "Camille", [link], NOW)
        for number in ("1", "2", "3"):
            await queued(session, number, 1)
        await queued(session, "4", 2, account="a2")
        await queued(session, "5", 2, account="a2", channel=Channel.EMAIL)
    yield Outbox(operator, database)
    await database.close()


async def test_list_is_newest_first_and_counts(box: Outbox) -> None:
    result = await box.shell.run("deliveries", "--limit", "2")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split()[:5] == ["id", "state", "kind", "number", "account"]
    assert [line.split()[:6] for line in lines[1:3]] == [
        ["5", "queued", "invoice.issued", "5", "a2", "email"],
        ["4", "queued", "invoice.issued", "4", "a2", "telegram"],
    ]
    assert lines[3:] == ["the newest 2 of 5; --limit shows more"]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ((), [5, 4, 3, 2, 1]),
        (("--account", "a2"), [5, 4]),
        (("--number", "3"), [3]),
        (("--state", "sent"), [2]),
        (("--state", "sent", "--state", "blocked"), [2, 1]),
        (("--day", "2026-10-15"), [5, 4, 3, 2]),
        (("--day", "2026-10-16"), [1]),
        (("--account", "a1", "--day", "2026-10-15", "--state", "queued"), [3]),
    ],
)
async def test_list_takes_a_choice(box: Outbox, options: tuple[str, ...], ids: list[int]) -> None:
    """A day is one of ``ODOBOT_TIMEZONE``: 2026-10-16 begins at 04:00 UTC."""
    at = datetime.datetime(2026, 10, 16, 4, 0, tzinfo=datetime.UTC)
    await box.set(1, state=State.BLOCKED, settled_at=at)
    await box.set(2, state=State.SENT, settled_at=at - datetime.timedelta(seconds=1))
    facts = facts_of(await box.shell.run("deliveries", *options, "--json"))
    assert [each["delivery"] for each in facts["deliveries"]] == ids
    assert facts["total"] == len(ids)


async def test_json_of_the_list_has_stable_keys(box: Outbox) -> None:
    await box.set(1, state=State.CANCELLED, settled_at=later(minutes=1), reason="paid", attempts=2)
    (found,) = facts_of(await box.shell.run("deliveries", "--number", "1", "--json"))["deliveries"]
    assert found == {
        "delivery": 1, "state": "cancelled", "kind": "invoice.issued", "number": "1", "account": "a1",
        "channel": "telegram", "recipient": 1, "due_at": "2026-10-15T18:00:00+00:00", "attempts": 2,
        "settled_at": "2026-10-15T18:01:00+00:00", "reason": "paid", "repeat_at": None, "is_repetition": False,
        "is_postponed": False, "means": "Nothing more is sent: paid.",
    }  # fmt: skip


async def test_nothing_found_is_exit_code_1(box: Outbox) -> None:
    result = await box.shell.run("deliveries", "--number", "99")
    assert (result.code, result.out) == (1, "There is no such delivery.\n")
    result = await box.shell.run("deliveries", "--number", "99", "--json")
    assert (result.code, facts_of(result)) == (1, {"deliveries": [], "total": 0})


async def test_empty_outbox_is_no_failure(operator: Shell) -> None:
    result = await operator.run("deliveries")
    assert (result.code, result.out) == (0, "There is no such delivery.\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--state", "lost"), "odobot deliveries: Invalid value for '--state'"),
        (("--day", "yesterday"), "odobot deliveries: --day must be a date"),
        (("--day", "9999-12-31"), "odobot deliveries: --day must be a date"),
        (("--limit", "0"), "odobot deliveries: Invalid value for '--limit'"),
        (("--account", "a\udcff"), "odobot deliveries: --account holds characters"),
        (("--number", "1\x1b[2J"), "odobot deliveries: --number holds characters"),
        (("--lmit", "3"), "odobot deliveries: No such option"),
        (("retry",), "odobot deliveries retry: Missing argument"),
        (("retry", "x"), "odobot deliveries retry: Invalid value for 'ID...'"),
        (("retry", "0"), "odobot deliveries retry: Invalid value for 'ID...'"),
        (("explain", str(2**63)), "odobot deliveries explain: Invalid value for 'ID'"),
        (("--state", "sent", "retry", "1"), "odobot deliveries: options of the list do not go with retry"),
        (("resend", "1"), "odobot deliveries: No such command"),
    ],
)
async def test_wrong_use_is_one_line_and_code_2(box: Outbox, arguments: tuple[str, ...], line: str) -> None:
    result = await box.shell.run("deliveries", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.line.startswith(line)


async def test_retry_queues_what_was_not_sent(box: Outbox) -> None:
    """Blocked, given up, cancelled by the operator, or between attempts: due at once, with no attempt counted."""
    ended = {"settled_at": NOW, "attempts": 7, "is_seen": True}
    await box.set(1, state=State.BLOCKED, **ended)
    await box.set(2, state=State.CANCELLED, reason=NEVER_FOUND, **ended)
    await box.set(3, state=State.CANCELLED, reason=BY_OPERATOR, is_repetition=True, **ended)
    await box.set(4, state=State.RETRY, reason="TimedOut", attempts=3, due_at=later(days=900))
    before = datetime.datetime.now(datetime.UTC)

    result = await box.shell.run("deliveries", "retry", "1", "2", "3", "4", "1")

    assert (result.code, result.out) == (0, "".join(f"{each}: queued again\n" for each in (1, 2, 3, 4)))
    assert events_of(result) == ["security.deliveries_retried"]
    assert '"count": 4' in result.err
    for delivery_id in (1, 2, 3, 4):
        row = await box.row(delivery_id)
        assert (row.state, row.attempts, row.reason, row.settled_at, row.is_seen) == (
            State.QUEUED,
            0,
            None,
            None,
            False,
        )
        assert before <= row.due_at <= datetime.datetime.now(datetime.UTC)
        assert (row.repeat_at == row.due_at) if delivery_id == 3 else row.repeat_at is None
    async with box.database.write() as session:
        now = datetime.datetime.now(datetime.UTC)
        claimed = await outbox.claim(session, "w", now, now + datetime.timedelta(minutes=1), 9, datetime.timedelta(0))
    assert {each.recipient for each in claimed} == {1, 2}


REFUSED = {
    "queued": ({"state": State.QUEUED}, "it waits already, and is due at 2026-10-15T18:00:00+00:00"),
    "leased": ({"state": State.LEASED, "lease_owner": "w", "lease_until": later(minutes=2)}, "a worker has it"),
    "sending": ({"state": State.SENDING, "lease_owner": "w", "lease_until": later(minutes=2)}, "a worker has it"),
    "sent": ({"state": State.SENT, "settled_at": NOW}, "it was sent"),
    "uncertain": (
        {"state": State.UNCERTAIN, "settled_at": NOW},
        "it may have arrived; to repeat it with a mark: odobot",
    ),
    "paid": (
        {"state": State.CANCELLED, "settled_at": NOW, "reason": "paid"},
        "it is cancelled for a reason that stays",
    ),
    "seen": ({"state": State.CANCELLED, "settled_at": NOW, "reason": SEEN}, "it is cancelled for a reason that stays"),
    "restored": ({"state": State.CANCELLED, "settled_at": NOW, "reason": "restored"}, "it is cancelled for a reason"),
    "no reason": ({"state": State.CANCELLED, "settled_at": NOW}, "it is cancelled for a reason that stays (none"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_retry_refuses_other_states_in_words(box: Outbox, name: str) -> None:
    """The others are queued all the same, and nothing of the refused one changes."""
    values, reason = REFUSED[name]
    await box.set(1, **values)
    await box.set(2, state=State.BLOCKED, settled_at=NOW)
    before = (await box.row(1)).model_dump()
    result = await box.shell.run("deliveries", "retry", "1", "2", "--json")
    facts = facts_of(result)
    assert (result.code, facts["changed"]) == (1, [2])
    assert [each["delivery"] for each in facts["refused"]] == [1]
    assert facts["refused"][0]["reason"].startswith(reason)
    assert (await box.row(1)).model_dump() == before


@pytest.mark.parametrize("number", [6, 2**31, 2**63 - 1])
@pytest.mark.parametrize("command", ["retry", "cancel"])
async def test_unknown_delivery_is_refused(box: Outbox, command: str, number: int) -> None:
    result = await box.shell.run("deliveries", command, str(number))
    assert (result.code, result.err) == (1, "")
    assert result.out.rstrip().endswith("there is no such delivery")


async def test_retry_says_what_stands_in_the_way(box: Outbox) -> None:
    """The person still blocks the bot, or the copy is gone: it is queued, and the operator knows."""
    async with box.database.write() as session:
        await delivery_preferences.set_blocked(session, 1, NOW)
    for delivery_id in (1, 5):
        await box.set(delivery_id, state=State.BLOCKED, settled_at=NOW)
    result = await box.shell.run("deliveries", "retry", "1", "5")
    assert result.code == 0
    assert "1: The person blocks the bot since 2026-10-15T18:00:00+00:00" in result.out
    assert "5: The bookkeeper's copy was stopped" in result.out


async def test_cancel_ends_what_waits(box: Outbox) -> None:
    await box.set(2, state=State.RETRY, reason="TimedOut", attempts=3, repeat_at=NOW, is_repetition=True)
    result = await box.shell.run("deliveries", "cancel", "1", "2")
    assert (result.code, result.out) == (0, "1: cancelled\n2: cancelled\n")
    assert events_of(result) == ["security.deliveries_cancelled"]
    for delivery_id in (1, 2):
        row = await box.row(delivery_id)
        assert (row.state, row.reason, row.repeat_at) == (State.CANCELLED, BY_OPERATOR, None)
        assert row.settled_at is not None
    result = await box.shell.run("deliveries", "cancel", "1")
    assert (result.code, result.out) == (1, "1: not cancelled: it has ended as cancelled\n")
    assert result.err == ""


@pytest.mark.parametrize("state", [each for each in State if each not in (State.QUEUED, State.RETRY)])
async def test_cancel_refuses_other_states(box: Outbox, state: State) -> None:
    await box.set(1, state=state, lease_owner="w", lease_until=later(minutes=2))
    before = (await box.row(1)).model_dump()
    result = await box.shell.run("deliveries", "cancel", "1")
    assert result.code == 1
    assert result.out.startswith("1: not cancelled: ")
    assert (await box.row(1)).model_dump() == before


@pytest.mark.parametrize(("change", "state"), [(stored.cancel, State.QUEUED), (stored.queue_again, State.RETRY)])
async def test_a_faster_worker_wins(box: Outbox, change: object, state: State) -> None:
    """The worker claims the delivery between the operator's look and the change."""
    await box.set(1, state=state, due_at=NOW)
    async with box.database.read() as session:
        seen = await stored.find_delivery(session, 1)
    assert seen is not None
    async with box.database.write() as session:
        (claimed, *_) = await outbox.claim(session, "w", NOW, later(minutes=2), 9, datetime.timedelta(0))
    assert claimed.delivery_id == 1
    async with box.database.write() as session:
        assert not await change(session, seen, NOW)  # type: ignore[operator]
    assert (await box.row(1)).state == State.LEASED


async def test_a_cancelled_delivery_is_not_claimed(box: Outbox) -> None:
    """Claims and cancellations at the same time: each delivery is either claimed or cancelled."""

    async def claim() -> set[int]:
        async with box.database.write() as session:
            found = await outbox.claim(session, "w", NOW, later(minutes=2), 9, datetime.timedelta(0))
            return {each.delivery_id for each in found}

    cancelling = asyncio.create_task(box.shell.run("deliveries", "cancel", "1", "4", "5", "--json"))
    claimed = await claim()
    while not cancelling.done():
        claimed |= await claim()
        await asyncio.sleep(0.01)
    cancelled = set(facts_of(cancelling.result())["changed"])
    assert claimed & cancelled == set()
    for delivery_id in (1, 4, 5):
        assert (await box.row(delivery_id)).state == (State.CANCELLED if delivery_id in cancelled else State.LEASED), (
            delivery_id
        )


async def test_explain_shows_all_that_is_stored(box: Outbox) -> None:
    await box.set(1, state=State.RETRY, attempts=2, reason="TimedOut", due_at=later(minutes=5))
    facts = facts_of(await box.shell.run("deliveries", "explain", "1", "--json"))
    assert facts | {"means": "", "next": ""} == {
        "delivery": 1, "state": "retry", "kind": "invoice.issued", "number": "1", "account": "a1",
        "channel": "telegram", "recipient": 1, "due_at": "2026-10-15T18:05:00+00:00", "attempts": 2,
        "settled_at": None, "reason": "TimedOut", "repeat_at": None, "is_repetition": False, "event": "e-a1-1",
        "day": None, "occurred_at": "2026-10-15T18:00:00+00:00", "link": 1, "is_linked": True, "is_postponed": False,
        "claimed_until": None, "is_seen": False, "blocked_since": None, "copy_paused_since": None,
        "means": "", "next": "",
    }  # fmt: skip
    shown = (await box.shell.run("deliveries", "explain", "1")).out
    assert [line.split() for line in shown.splitlines()[:2]] == [
        ["delivery", "1:", "retry"],
        ["event", "invoice.issued,", "e-a1-1"],
    ]
    assert facts["means"] in shown
    assert facts["next"] in shown


async def test_explain_of_a_removed_link_says_so(box: Outbox) -> None:
    await box.set(4, state=State.BLOCKED, settled_at=NOW)
    async with box.database.write() as session:
        await links.unlink(session, 2, NOW)
    shown = (await box.shell.run("deliveries", "explain", "4")).out
    assert ["link", "2", "removed"] in [line.split() for line in shown.splitlines()]
    assert "Its link was removed: a further attempt ends as cancelled." in shown


@pytest.mark.parametrize("number", [6, 2**31, 2**63 - 1])
async def test_explain_of_an_unknown_delivery_is_one_line(box: Outbox, number: int) -> None:
    result = await box.shell.run("deliveries", "explain", str(number), "--json")
    assert (result.code, result.out) == (1, "")
    assert result.line == f"odobot deliveries explain: there is no delivery {number}"


DELIVERY = StoredDelivery(
    delivery_id=7, event_id="e", kind="invoice.issued", account_id="a", number="1", day=None, occurred_at=NOW,
    channel=Channel.TELEGRAM, recipient=1, link_id=1, state=State.QUEUED, due_at=NOW, attempts=0, is_postponed=False,
    lease_until=None, settled_at=None, reason=None, repeat_at=None, is_repetition=False, is_seen=False,
)  # fmt: skip
REACHED = RecipientFacts(is_linked=True)
CASES: Sequence[tuple[dict[str, object], str, str]] = [
    ({}, "It waits to be sent.", "The next free worker takes it"),
    ({"due_at": later(hours=1)}, "It waits to be sent.", "A worker takes it at 2026-10-15T19:00:00+00:00"),
    ({"due_at": later(hours=-1)}, "It waits to be sent.", "It has been due since 2026-10-15T17:00:00+00:00"),
    ({"kind": "access.ended"}, "It waits to be sent.", "The next free worker takes it"),
    ({"is_postponed": True}, "Quiet hours of the chat put it off", "The next free worker"),
    ({"is_repetition": True}, "An earlier message may not have arrived", "The next free worker"),
    ({"state": State.LEASED, "lease_until": later(minutes=1)}, "A worker has claimed it", "The worker sends it"),
    ({"state": State.LEASED, "lease_until": NOW}, "A worker has claimed it", "That worker's lease is over: a running"),
    ({"state": State.SENDING, "lease_until": later(minutes=1)}, "A worker sends it now", "Its outcome is recorded"),
    ({"state": State.SENDING, "lease_until": NOW}, "A worker sends it now", "That worker's lease is over: a running"),
    ({"state": State.RETRY, "reason": "TimedOut"}, "It was certainly not sent (TimedOut)", "The next free worker"),
    ({"state": State.SENT}, "Telegram accepted it.", "Nothing."),
    ({"state": State.SENT, "channel": Channel.EMAIL}, "The mail server accepted it.", "Nothing."),
    ({"state": State.BLOCKED}, "The person blocked the bot", "Nothing by itself; odobot deliveries retry 7"),
    ({"state": State.BLOCKED, "channel": Channel.EMAIL}, "The address takes no mail.", "Nothing by itself; odobot"),
    ({"state": State.CANCELLED, "reason": "paid"}, "Nothing more is sent: paid.", "Nothing."),
    ({"state": State.CANCELLED, "reason": ALREADY_MAILED}, "Nothing more is sent: another copy", "Nothing."),
    (
        {"state": State.CANCELLED, "reason": NEVER_FOUND},
        "Nothing more is sent: never found.",
        "Nothing by itself; odobot",
    ),
    (
        {"state": State.UNCERTAIN, "repeat_at": later(minutes=9), "reason": "x"},
        "The message was written",
        "It is sent once",
    ),
    ({"state": State.UNCERTAIN}, "The message was written", "Nothing by itself; odobot notices --resend --id 7 --yes"),
]


@pytest.mark.parametrize(("values", "means", "following"), CASES)
def test_words_say_what_a_state_means(values: dict[str, object], means: str, following: str) -> None:
    delivery = replace(DELIVERY, **values)  # type: ignore[arg-type]
    assert words.meaning(delivery).startswith(means)
    assert words.next_step(delivery, REACHED, NOW).startswith(following)


@pytest.mark.parametrize(
    ("kind", "recipient", "words_of_it"),
    [
        ("invoice.issued", RecipientFacts(is_linked=False), "Its link was removed"),
        ("access.ended", RecipientFacts(is_linked=False), ""),
        ("policy.changed", RecipientFacts(is_linked=None), ""),
        ("invoice.issued", RecipientFacts(is_linked=True, blocked_at=NOW), "The person blocks the bot since"),
        ("invoice.issued", REACHED, ""),
    ],
)
def test_obstacle_of_a_waiting_delivery_is_said(kind: str, recipient: RecipientFacts, words_of_it: str) -> None:
    """A notice that a link ended is sent after its link was removed."""
    delivery = replace(DELIVERY, kind=kind)
    assert words.obstacle(delivery, recipient).startswith(words_of_it)
    assert bool(words.obstacle(delivery, recipient)) == bool(words_of_it)
    assert words.obstacle(delivery, recipient) in words.next_step(delivery, recipient, NOW)


def test_every_state_has_words() -> None:
    """Each state is either allowed or refused in words, for both changes."""
    assert {case.get("state", State.QUEUED) for case, _, _ in CASES} == set(State)
    for state in State:
        for reason in (None, "paid", *GIVEN_UP):
            delivery = replace(DELIVERY, state=state, reason=reason)
            assert words.why_not_retried(delivery) != ""
            assert words.why_not_cancelled(delivery) != ""
            assert (words.why_not_cancelled(delivery) is None) == (state in (State.QUEUED, State.RETRY))


async def test_reason_of_a_telegram_refusal_is_given_up(box: Outbox) -> None:
    """The reasons of ``GIVEN_UP`` are those that deliveries get: each may be queued again."""
    for reason in sorted(GIVEN_UP):
        await box.set(1, state=State.CANCELLED, settled_at=NOW, reason=reason)
        assert (await box.shell.run("deliveries", "retry", "1")).code == 0, reason
    async with box.database.read() as session:
        assert (await chats.load(session, 1)).links
