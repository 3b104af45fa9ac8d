"""The view of each action."""

from collections.abc import Awaitable, Callable
from typing import Any

from handlers import actions, text_actions
from handlers.actions import Action
from handlers.context import Context
from handlers.screens.screen import Screen
from handlers.views import (
    account,
    balance,
    calendar,
    copies,
    home,
    in_words,
    invitations,
    invoices,
    linking,
    notices,
    orders,
    packs,
    questions,
    search,
    settings,
)

View = Callable[[Context, Any], Awaitable[Screen | Action | None]]
"""Returns the screen of an action, another action to perform instead, or None if it has answered itself."""

VIEWS: dict[type[Action], View] = {
    actions.Start: home.start,
    actions.StartLinking: linking.start_linking,
    text_actions.GiveEmail: linking.give_email,
    actions.ResendCode: linking.resend_code,
    text_actions.GiveCode: linking.give_code,
    actions.FinishLinking: linking.finish_linking,
    actions.ConfirmAddress: linking.confirm_address,
    actions.OpenInvitation: invitations.open_invitation,
    actions.DeclineInvitation: invitations.decline_invitation,
    actions.ListOrders: orders.order_list,
    actions.ShowOrder: orders.order_detail,
    actions.ListInvoices: invoices.invoice_list,
    actions.ShowInvoice: invoices.invoice_detail,
    actions.ShowBalance: balance.balance,
    actions.SendPdf: invoices.send_pdf,
    actions.OpenNumber: search.open_number,
    actions.AskSearch: search.ask_search,
    text_actions.SearchFor: search.search_for,
    text_actions.OpenNumberOr: search.open_number_or,
    text_actions.OpenLatest: in_words.open_latest,
    text_actions.SendPdfOf: in_words.send_pdf_of,
    text_actions.Leave: questions.leave,
    actions.ShowAccounts: account.accounts,
    actions.ChooseAccount: account.choose_account,
    actions.AnswerNoticeOffer: notices.answer_notice_offer,
    actions.ShowNotices: notices.notices,
    actions.ShowSubscriptions: notices.show_subscriptions,
    actions.SetSubscription: notices.set_subscription,
    actions.AttachPdf: notices.attach_pdf,
    actions.ShowQuiet: notices.quiet_hours,
    actions.ChooseZone: notices.zone,
    actions.Snooze: notices.snooze,
    actions.MuteInvoice: notices.mute,
    actions.ShowCopy: copies.show_copy,
    actions.AskCopy: copies.ask_copy,
    text_actions.GiveCopyEmail: copies.give_copy_email,
    text_actions.GiveCopyCode: copies.give_copy_code,
    actions.StopCopy: copies.stop_copy,
    actions.ConfirmCopy: copies.confirm_copy,
    actions.TypeCopyCode: copies.type_code,
    actions.AddToCalendar: calendar.add_to_calendar,
    actions.ShowCalendar: calendar.show_calendar,
    actions.ShowStatement: packs.show_statement,
    actions.MakePack: packs.make_pack,
    actions.CancelPack: packs.cancel_pack,
    actions.ContinuePack: packs.continue_pack,
    actions.Revoke: account.revoke,
    text_actions.GiveRevokeCode: account.give_revoke_code,
    actions.Unlink: account.unlink,
    actions.ShowMyData: account.my_data,
    actions.Forget: account.forget,
    actions.ChooseLanguage: settings.language,
    actions.ShowSettings: settings.settings,
    actions.ShowPortal: settings.portal,
    actions.ShowHelp: settings.help_page,
    actions.ShowPrivacy: settings.privacy,
}
