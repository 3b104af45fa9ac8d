"""Actions: what a person can request, by command or by button. ``text_actions`` has those of texts only.

A button's action has a letter, and its fields are stored in the callback data (``telegram/callback_data.py``). ``link``
is the link of the screen with the button: a button keeps its account after the person chooses another one.
"""

from handlers.actions.base import (
    AccountAction as AccountAction,
    Action as Action,
    at_page as at_page,
    letter_of as letter_of,
)
from handlers.actions.calendar import AddToCalendar as AddToCalendar, ShowCalendar as ShowCalendar
from handlers.actions.general import (
    ChooseLanguage as ChooseLanguage,
    ListStyle as ListStyle,
    PrivacyPart as PrivacyPart,
    SetInline as SetInline,
    ShowHelp as ShowHelp,
    ShowPortal as ShowPortal,
    ShowPrivacy as ShowPrivacy,
    ShowSettings as ShowSettings,
    Start as Start,
)
from handlers.actions.invitations import DeclineInvitation as DeclineInvitation, OpenInvitation as OpenInvitation
from handlers.actions.linking import (
    ChooseAccount as ChooseAccount,
    CompareCode as CompareCode,
    ConfirmAddress as ConfirmAddress,
    FinishLinking as FinishLinking,
    Forget as Forget,
    ResendCode as ResendCode,
    Revoke as Revoke,
    ShowAccounts as ShowAccounts,
    ShowMyData as ShowMyData,
    StartLinking as StartLinking,
    Unlink as Unlink,
)
from handlers.actions.notices import (
    AnswerNoticeOffer as AnswerNoticeOffer,
    AskCopy as AskCopy,
    AttachPdf as AttachPdf,
    ChooseZone as ChooseZone,
    ConfirmCopy as ConfirmCopy,
    MuteInvoice as MuteInvoice,
    SetSubscription as SetSubscription,
    ShowCopy as ShowCopy,
    ShowNotices as ShowNotices,
    ShowQuiet as ShowQuiet,
    ShowSubscriptions as ShowSubscriptions,
    Snooze as Snooze,
    StopCopy as StopCopy,
    TypeCopyCode as TypeCopyCode,
)
from handlers.actions.packs import (
    CancelPack as CancelPack,
    ContinuePack as ContinuePack,
    MakePack as MakePack,
    ShowStatement as ShowStatement,
)
from handlers.actions.papers import (
    AskSearch as AskSearch,
    ListInvoices as ListInvoices,
    ListOrders as ListOrders,
    OpenNumber as OpenNumber,
    SendPdf as SendPdf,
    ShowBalance as ShowBalance,
    ShowInvoice as ShowInvoice,
    ShowOrder as ShowOrder,
)
from handlers.actions.support import (
    EndConversation as EndConversation,
    PassOn as PassOn,
    TalkToPerson as TalkToPerson,
)
