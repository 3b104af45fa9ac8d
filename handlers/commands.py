"""The commands. Each works by its French and its English name; the menu shows the names of the chat's language."""

from collections.abc import Callable, Collection

from msgspec import Struct
from telegram import BotCommand

from handlers.actions import (
    Action,
    ChooseLanguage,
    EndConversation,
    Forget,
    ListInvoices,
    ListOrders,
    ShowAccounts,
    ShowBalance,
    ShowCalendar,
    ShowHelp,
    ShowMyData,
    ShowNotices,
    ShowPortal,
    ShowPrivacy,
    ShowSettings,
    ShowStatement,
    Start,
    StartLinking,
    TalkToPerson,
    Unlink,
)
from handlers.features import is_offered
from services.features import ALL_FEATURES, Feature
from texts.catalogue import message_id, texts_in
from texts.language import Language


class Command(Struct, frozen=True):
    """One command: with ``action``, or with ``of_link``, which makes an action from the id of a link."""

    names: dict[Language, str]
    description: str
    action: Action | None = None
    of_link: Callable[[int], Action] | None = None


def _command(fr: str, en: str, description: str, action: Action | Callable[[int], Action]) -> Command:
    names = {Language.FR: fr, Language.EN: en}
    if isinstance(action, Action):
        return Command(names, description, action=action)
    return Command(names, description, of_link=action)


START = _command("start", "start", message_id("command.start"), Start())

UNPAID = _command("apayer", "unpaid", message_id("command.unpaid"), lambda link: ListInvoices(link, unpaid=True))

CALENDAR = _command("calendrier", "calendar", message_id("command.calendar"), lambda link: ShowCalendar(link))

PRIVACY = _command("confidentialite", "privacy", message_id("command.privacy"), ShowPrivacy())
"""Every menu has both names: Telegram shows a bot's own policy only where the menu has ``privacy``."""

MENU = (
    _command("commandes", "orders", message_id("command.orders"), lambda link: ListOrders(link)),
    _command("factures", "invoices", message_id("command.invoices"), lambda link: ListInvoices(link)),
    _command("solde", "balance", message_id("command.balance"), lambda link: ShowBalance(link)),
    _command("releve", "statement", message_id("command.statement"), lambda link: ShowStatement(link)),
    _command("compte", "account", message_id("command.account"), ShowAccounts()),
    _command("avis", "notices", message_id("command.notices"), ShowNotices()),
    _command("portail", "portal", message_id("command.portal"), ShowPortal()),
    _command("langue", "language", message_id("command.language"), ChooseLanguage()),
    _command("parametres", "settings", message_id("command.settings"), ShowSettings()),
    _command("lier", "link", message_id("command.link"), StartLinking()),
    _command("delier", "unlink", message_id("command.unlink"), Unlink()),
    _command("parler", "talk", message_id("command.person"), TalkToPerson()),
    _command("aide", "help", message_id("command.help"), ShowHelp()),
    PRIVACY,
    _command("mesdonnees", "mydata", message_id("command.mydata"), ShowMyData()),
    _command("oublier", "forget", message_id("command.forget"), Forget()),
)

END = _command("fin", "end", message_id("command.end"), EndConversation())
"""Ends the conversation with the staff; in the staff's topics, too."""

COMMANDS = (START, UNPAID, CALENDAR, END, *MENU)
BY_NAME = {name: command for command in COMMANDS for name in command.names.values()}
_OTHER_WORDS = {
    "start": "accueil home menu demarrer commencer debut begin",
    "commandes": "commande order contrats contracts ententes bonsdecommande",
    "factures": """
        facture invoice bill bills facturation billing paiements paiement payments payment recu recus
        receipt receipts avoir avoirs remboursement refund notecredit creditnote dernierefacture
        dernieresfactures lastinvoice latestinvoice lastbill latestbill
        """,
    "solde": "dois doit combiendois owe owed owing muchowe due",
    "releve": "soa",
    "apayer": """
        payer pay impaye impayes impayee impayees payerfacture payerfactures payinvoice payinvoices paybill
        paybills dejapaye dejapayee alreadypaid
        """,
    "compte": """
        comptes accounts autrecompte autrescomptes changercompte changerdecompte otheraccount otheraccounts
        anotheraccount switchaccount switchaccounts changeaccount changeaccounts quiaacces whohasaccess
        quiautreestlie whoelseislinked
        """,
    "avis": """
        arreteravis stopnotice stopnotices desabonner desabonnement unsubscribe notice notification
        notifications alertes alerte alerts alert rappels rappel reminders reminder comptable
        comptablecopie copiecomptable envoyercomptable accountant bookkeeper accountantcopy sendaccountant
        sendbookkeeper comptabilite copiecomptabilite
        """,
    "calendrier": "agenda ical ics calendriers calendars",
    "portail": """
        motpasse motpasseoublie oubliemotpasse password forgotpassword forgottenpassword portal siteweb
        website connexion login signin changeradresse changeaddress cartecredit creditcard
        changercartecredit changecreditcard updatecreditcard changecard annulercommande annulerabonnement
        annulercontrat cancelorder cancelsubscription cancelcontract renouveler renew renewal renouvellement
        """,
    "langue": "langues languages francais french anglais english",
    "parametres": "parametre setting reglages reglage preferences options configuration",
    "lier": "liaison connect connecter ajouter",
    "delier": "deconnecter deconnexion disconnect logout dissocier",
    "parler": """
        humain human unhumain agent conseiller conseillere representant telephone phone contact contacter joindre
        appeler call speak personne person parlerquelquun parlerpersonne parlerhumain
        talkhuman talkperson
        talksomeone numerotelephone phonenumber speakhuman speakperson speaksomeone serviceclientele
        serviceclient customerservice parlerserviceclientele
        """,
    "aide": """
        aider aidez aidezmoi aidemoi helpme sos
        assistance soutien support
        """,
    "confidentialite": "vieprivee politique policy privacypolicy",
    "mesdonnees": "donnees data renseignements",
    "oublier": """
        effacer supprimer delete erase forgetme oubliemoi oubliezmoi supprimerdonnees effacerdonnees
        deletedata erasedata deletemydata
        """,
}
BY_WORD = {name: name for name in BY_NAME} | {
    word: name for name, words in _OTHER_WORDS.items() for word in words.split()
}
"""The words that name a command, without accents, each with the command's own name: see ``understanding.commands``."""


def is_command_offered(command: Command, features: Collection[Feature]) -> bool:
    """Return whether a command's action belongs to no feature that is off."""
    action = command.action or (command.of_link(0) if command.of_link else None)
    return action is None or is_offered(action, features)


def menu(language: Language, features: Collection[Feature] = ALL_FEATURES) -> list[BotCommand]:
    """Return the commands of Telegram's menu in one language; an added one has the names of its substitute."""
    t = texts_in(language)
    named = [(command.names[language.shipped], command) for command in MENU if is_command_offered(command, features)]
    named += [(name, PRIVACY) for name in PRIVACY.names.values() if name != PRIVACY.names[language.shipped]]
    return [BotCommand(name, t(command.description)) for name, command in named]
