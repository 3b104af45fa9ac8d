"""What belongs to which feature: the actions, and so the commands, buttons, typed words and old buttons."""

from collections.abc import Collection

from msgspec.structs import replace

from handlers import actions, text_actions
from handlers.actions import Action
from portal.models import Part
from services.features import ALL_FEATURES, Feature
from services.notices.event_recorder import REMINDER_SUBSCRIPTION
from storage.chats import ChatState
from storage.tables import Kind

_OF_ACTIONS: dict[type[Action], Feature] = {
    actions.ListOrders: Feature.ORDERS,
    actions.ShowOrder: Feature.ORDERS,
    actions.ShowBalance: Feature.BALANCE,
    actions.ShowStatement: Feature.STATEMENT,
    actions.MakePack: Feature.STATEMENT,
    actions.ContinuePack: Feature.STATEMENT,
    actions.AskSearch: Feature.SEARCH,
    text_actions.SearchFor: Feature.SEARCH,
    actions.Snooze: Feature.REMINDERS,
    actions.MuteInvoice: Feature.REMINDERS,
    actions.AskCopy: Feature.COPIES,
    actions.ConfirmCopy: Feature.COPIES,
    actions.TypeCopyCode: Feature.COPIES,
    text_actions.GiveCopyEmail: Feature.COPIES,
    text_actions.GiveCopyCode: Feature.COPIES,
    actions.AddToCalendar: Feature.CALENDAR,
}
"""``ShowCopy`` and ``ShowCalendar`` are not among them: they also end what was agreed to while the feature was on."""
_OF_SUBSCRIPTIONS: dict[str, Feature] = {
    REMINDER_SUBSCRIPTION: Feature.REMINDERS,
    Kind.ORDER_CREATED: Feature.ORDERS,
    Kind.ORDER_ENDING: Feature.ORDERS,
    Kind.COMPANY_NEWS: Feature.NEWS,
}


def is_subscription_offered(subscription: str, features: Collection[Feature]) -> bool:
    """Return whether the notices of a subscription are sent; ``subscription_for`` gives that of a kind of notice."""
    feature = _OF_SUBSCRIPTIONS.get(subscription)
    return feature is None or feature in features


def is_offered(action: Action, features: Collection[Feature]) -> bool:
    """Return whether an action may be performed: every feature that it belongs to is on."""
    if len(features) == len(ALL_FEATURES):
        return True
    return all(feature in features for feature in _features_of(action))


def _features_of(action: Action) -> list[Feature]:
    found = [_OF_ACTIONS.get(type(action))]
    match action:
        case actions.SetSubscription(subscription=subscription, on=True):
            found.append(_OF_SUBSCRIPTIONS.get(subscription))
        case actions.ShowCalendar(change="new"):
            found.append(Feature.CALENDAR)
        case actions.OpenNumber(part=Part.ORDERS) | text_actions.OpenLatest(invoices=False):
            found.append(Feature.ORDERS)
        case actions.AddToCalendar(is_order=True):
            found.append(Feature.ORDERS)
        case actions.ListOrders(query=query) | actions.ListInvoices(query=query) if query:
            found.append(Feature.SEARCH)
    if getattr(action, "order", ""):  # the invoices of an order
        found.append(Feature.ORDERS)
    return [feature for feature in found if feature is not None]


def with_offered_parts(chat: ChatState, features: Collection[Feature]) -> ChatState:
    """Return a chat whose links have no orders where these are off, as if the portal gave no access to them."""
    if Feature.ORDERS in features:
        return chat
    links = tuple(replace(link, access=link.access - {Part.ORDERS}) for link in chat.links)
    return replace(chat, links=links)
