"""What a delivery's state means, what happens next, and why an operator may not change it: in plain words."""

import datetime

from bot.commands.common import shown
from services.notices.delivery.outcomes import GIVEN_UP
from storage.notices.bookkeeper_copies import ALREADY_MAILED
from storage.notices.outbox import SEEN, WAITING
from storage.operator.deliveries import BY_OPERATOR, RecipientFacts, StoredDelivery
from storage.tables import Channel, Kind, State

_LATE = datetime.timedelta(minutes=5)
"""How long after its time a delivery that still waits is worth a look."""
_OF_ENDED_LINKS = (Kind.CONTACT_REMOVED, Kind.ACCOUNT_CLOSED, Kind.ADDRESS_CHANGED, Kind.ACCESS_ENDED)
"""What is told after the link was removed."""
_CANCELLED = {
    SEEN: "the message may have arrived, and the person has opened that order or invoice since",
    ALREADY_MAILED: "another copy carried the invoice to the same address",
    BY_OPERATOR: "an operator cancelled it",
}


def meaning(delivery: StoredDelivery) -> str:
    """Return what the state of a delivery means."""
    is_mail = delivery.channel == Channel.EMAIL
    match delivery.state:
        case State.QUEUED if delivery.is_repetition:
            return "An earlier message may not have arrived; its repetition, which says so, waits to be sent."
        case State.QUEUED if delivery.is_postponed:
            return "Quiet hours of the chat put it off; it waits to be sent with the others that they put off."
        case State.QUEUED:
            return "It waits to be sent."
        case State.LEASED:
            return "A worker has claimed it, and makes the message; nothing was sent yet."
        case State.SENDING:
            return "A worker sends it now."
        case State.RETRY:
            return f"It was certainly not sent ({shown(delivery.reason)}); it waits for another attempt."
        case State.SENT:
            return "The mail server accepted it." if is_mail else "Telegram accepted it."
        case State.BLOCKED if is_mail:
            return "The address takes no mail."
        case State.BLOCKED:
            return "The person blocked the bot, or deleted the chat."
        case State.CANCELLED:
            return (
                f"Nothing more is sent: {_CANCELLED.get(delivery.reason or '', shown(delivery.reason) or 'no reason')}."
            )
    return f"The message was written, and nobody knows whether it arrived ({shown(delivery.reason)})."


def next_step(delivery: StoredDelivery, recipient: RecipientFacts, now: datetime.datetime) -> str:
    """Return what happens next by itself, and what an operator can do."""
    number = delivery.delivery_id
    is_held = delivery.lease_until is not None and delivery.lease_until > now
    match delivery.state:
        case State.QUEUED | State.RETRY:
            return " ".join(filter(None, (_next_of_waiting(delivery, now), obstacle(delivery, recipient))))
        case State.LEASED if not is_held:
            return "That worker's lease is over: a running worker queues it again within ten seconds."
        case State.LEASED:
            until = shown(delivery.lease_until)
            return f"The worker sends it, or puts it back; if it dies, another takes over after {until}."
        case State.SENDING if not is_held:
            return "That worker's lease is over: a running worker makes it uncertain within ten seconds."
        case State.SENDING:
            until = shown(delivery.lease_until)
            return f"Its outcome is recorded; if the worker dies, it becomes uncertain after {until}."
        case State.BLOCKED:
            again = f"odobot deliveries retry {number} queues it again."
            return obstacle(delivery, recipient) or f"Nothing by itself; {again}"
        case State.CANCELLED if why_not_retried(delivery) is None:
            return f"Nothing by itself; odobot deliveries retry {number} queues it again."
        case State.UNCERTAIN if delivery.repeat_at is not None:
            return (
                f"It is sent once more at {shown(delivery.repeat_at)}, and says that it may have come before,"
                " unless the person opens that order or invoice before."
            )
        case State.UNCERTAIN:
            return f"Nothing by itself; odobot notices --resend --id {number} --yes repeats it, with a mark."
    return "Nothing."


def _next_of_waiting(delivery: StoredDelivery, now: datetime.datetime) -> str:
    if delivery.due_at > now:
        return f"A worker takes it at {shown(delivery.due_at)}; it is checked and made then, from the portal's data."
    if now - delivery.due_at > _LATE:
        return (
            f"It has been due since {shown(delivery.due_at)}: either many others are before it, or no worker runs, or"
            " the portal or the server fails. Look at /readyz of the worker, and at odobot notices."
        )
    return "The next free worker takes it; it is checked and made then, from the portal's data."


def obstacle(delivery: StoredDelivery, recipient: RecipientFacts) -> str:
    """Return what keeps a delivery from its recipient at present; empty if nothing is known that does."""
    if delivery.channel == Channel.EMAIL and not recipient.has_copy:
        return "The bookkeeper's copy was stopped: a further attempt ends as cancelled."
    if recipient.paused_at is not None:
        return (
            f"The bookkeeper's copy is paused since {shown(recipient.paused_at)}: a further attempt ends as cancelled,"
            " unless the person confirms the address again before."
        )
    if recipient.blocked_at is not None:
        return (
            f"The person blocks the bot since {shown(recipient.blocked_at)}: a further attempt ends as blocked, unless"
            " they come back before."
        )
    if recipient.is_linked is False and delivery.kind not in _OF_ENDED_LINKS:
        return "Its link was removed: a further attempt ends as cancelled."
    return ""


def why_not_retried(delivery: StoredDelivery) -> str | None:
    """Return why a delivery is not queued again; None if it may be."""
    match delivery.state:
        case State.BLOCKED | State.RETRY:
            return None
        case State.CANCELLED if delivery.reason in GIVEN_UP or delivery.reason == BY_OPERATOR:
            return None
        case State.CANCELLED:
            return f"it is cancelled for a reason that stays ({shown(delivery.reason) or 'none is stored'})"
        case State.QUEUED:
            return f"it waits already, and is due at {shown(delivery.due_at)}"
        case State.SENT:
            return "it was sent"
        case State.UNCERTAIN:
            return f"it may have arrived; to repeat it with a mark: odobot notices --resend --id {delivery.delivery_id}"
    return "a worker has it"


def why_not_cancelled(delivery: StoredDelivery) -> str | None:
    """Return why a delivery is not cancelled; None if it may be."""
    if delivery.state in WAITING:
        return None
    match delivery.state:
        case State.LEASED | State.SENDING:
            return "a worker has it; once it waits again, it can be cancelled"
        case State.UNCERTAIN:
            return "it may have arrived; its repetition can be cancelled once it is queued"
    return f"it has ended as {delivery.state}"
