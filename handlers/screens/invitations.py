"""Invitations: the accounts that one links, and why one links nothing."""

import datetime

from handlers.actions import DeclineInvitation, OpenInvitation, ShowHelp, StartLinking
from handlers.screens.privacy import before_address, privacy_button
from handlers.screens.screen import Button, Keyboard, Screen, clip
from portal.models import Part
from services.linking.invitations import Offer
from services.understanding.payloads import PaperOpened
from storage.chats import LinkState
from texts.catalogue import Texts, message_id

_MOST_ACCOUNTS = 10


def offer(t: Texts, company: str, offer: Offer, invitation: int) -> Screen:
    """Show the accounts that an invitation links, and ask for one tap."""
    names = [t("link.account", account=clip(name, 60)) for name in offer.account_names[:_MOST_ACCOUNTS]]
    if more := len(offer.account_names) - len(names):
        names.append(t.plural("invitation.more", more))
    accept = Button(t("button.accept_invitation"), OpenInvitation(invitation, sure=True))
    decline = Button(t("button.decline_invitation"), DeclineInvitation(invitation))
    question = t.plural("invitation.ask", len(offer.account_names), company=company)
    facts = (question, *names, "", before_address(t, company))
    keyboard = ((accept,), (decline,), (privacy_button(t),))
    return Screen(t("invitation.title"), facts=facts, note=t("invitation.note"), keyboard=keyboard)


def gone(t: Texts, current: LinkState | None) -> Screen:
    """Report that an invitation cannot be used, in the same words for each reason, and offer the way by mail."""
    return Screen(facts=(t("invitation.gone"),), keyboard=_by_mail(t, current))


def too_many(t: Texts, until: datetime.datetime, current: LinkState | None) -> Screen:
    """Report that this chat opened too many invitations in vain; ``until`` is in the company's time zone."""
    return Screen(facts=(t("invitation.too_many", time=t.formats.time(until)),), keyboard=_by_mail(t, current))


def declined(t: Texts, company: str, current: LinkState | None) -> Screen:
    """Confirm that an invitation was closed, and that nothing was linked."""
    return Screen(facts=(t("invitation.declined", company=company),), keyboard=_by_mail(t, current))


def paper_needs_link(t: Texts, company: str, paper: PaperOpened) -> Screen:
    """Ask to link first; the order or invoice opens afterwards."""
    invoice, order = message_id("invitation.invoice_needs_link"), message_id("invitation.order_needs_link")
    fact = t(invoice if paper.part is Part.INVOICES else order, number=paper.number, company=company)
    keyboard = ((Button(t("button.link"), StartLinking()), privacy_button(t)),)
    return Screen(facts=(fact,), note=before_address(t, company), keyboard=keyboard)


def _by_mail(t: Texts, current: LinkState | None) -> Keyboard:
    label = t("button.link_another") if current else t("button.link")
    return ((Button(label, StartLinking()),), (Button(t("button.help"), ShowHelp()),))
