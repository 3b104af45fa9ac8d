"""The words of the page itself. The bot's words come from the bot."""

LANGUAGES = ("fr", "en")

_WORDS = {
    "title": ("Odobot, bac à sable", "Odobot, sandbox"),
    "brand_note": ("bac à sable", "sandbox"),
    "views": ("Vues", "Views"),
    "chat": ("Conversation", "Chat"),
    "mailbox": ("Courriel", "Mail"),
    "office": ("Portail", "Portal"),
    "faults": ("Pannes", "Faults"),
    "log": ("Journal", "Log"),
    "theme": ("Thème clair ou sombre", "Light or dark theme"),
    "other_language": ("English", "Français"),
    "offline": ("Le bac à sable ne répond plus. Nouvel essai…", "The sandbox does not answer. Trying again…"),
    "close": ("Fermer", "Close"),
    "ok": ("OK", "OK"),
    # people
    "people": ("Personnes", "People"),
    "new_person": ("Nouvelle personne", "New person"),
    "new": ("Nouveau", "New"),
    "first_name": ("Prénom", "First name"),
    "client_language": ("Langue du client Telegram", "Language of the Telegram client"),
    "language_none": ("aucune", "none"),
    "create": ("Créer", "Create"),
    "unread": ("non lus", "unread"),
    "nobody": ("Personne encore", "Nobody yet"),
    "nobody_note": (
        "Créez une personne : elle ouvre Telegram, trouve le bot et appuie sur Démarrer.",
        "Make a person: they open Telegram, find the bot and press Start.",
    ),
    # chat
    "bot": ("bot", "bot"),
    "you": ("Vous", "You"),
    "messages_of": ("Messages de", "Messages of"),
    "profile": ("Personne et lien profond", "Person and deep link"),
    "start": ("Démarrer", "Start"),
    "what_can": ("Que peut faire ce bot ?", "What can this bot do?"),
    "deep_link": ("Charge du lien profond", "Deep-link payload"),
    "open_link": ("Ouvrir le lien", "Open the link"),
    "block": ("Bloquer le bot", "Block the bot"),
    "unblock": ("Débloquer", "Unblock"),
    "restart": ("Débloquer et redémarrer", "Unblock and restart"),
    "is_blocked": ("bot bloqué", "bot blocked"),
    "menu": ("Menu des commandes", "Command menu"),
    "menu_empty": ("Le bot n’a pas encore de commandes.", "The bot has no commands yet."),
    "attach": ("Envoyer autre chose", "Send something else"),
    "write": ("Message", "Message"),
    "send": ("Envoyer", "Send"),
    "earlier": ("Messages précédents", "Earlier messages"),
    "edited": ("modifié", "edited"),
    "replying": ("En réponse à", "In reply to"),
    "opens_link": ("ouvre un lien", "opens a link"),
    "download": ("Télécharger", "Download"),
    "open": ("Ouvrir", "Open"),
    "cannot": ("Ce bouton ne fait rien ici.", "This button does nothing here."),
    "doing_typing": ("écrit", "is typing"),
    "doing_upload_document": ("envoie un document", "is sending a document"),
    "doing_other": ("est à l’œuvre", "is busy"),
    "kind_photo": ("Photo", "Photo"),
    "kind_sticker": ("Autocollant", "Sticker"),
    "kind_voice": ("Message vocal", "Voice message"),
    "kind_location": ("Position", "Location"),
    "kind_contact": ("Contact", "Contact"),
    "kind_document": ("Document", "Document"),
    "kind_other": ("Autre contenu", "Other content"),
    # mailbox
    "letters": ("Boîte de réception", "Inbox"),
    "no_letters": ("Aucun courriel", "No mail"),
    "no_letters_note": (
        "Les codes et les avis que le bot envoie arrivent ici. Rien ne quitte cette machine.",
        "The codes and notices the bot sends arrive here. Nothing leaves this machine.",
    ),
    "to": ("À", "To"),
    "from": ("De", "From"),
    "code": ("Code", "Code"),
    "copy": ("Copier", "Copy"),
    "copied": ("Copié", "Copied"),
    "put_in_chat": ("Saisir", "Type it"),
    "put_in_chat_long": ("Saisir dans la conversation", "Type it in the chat"),
    "part_html": ("HTML", "HTML"),
    "part_text": ("Texte", "Text"),
    "parts": ("Partie affichée", "Part shown"),
    "letter_frame": ("Courriel en HTML", "Mail in HTML"),
    "attachments": ("Pièces jointes", "Attachments"),
    # office
    "back_office": ("Gestion du portail", "Portal back office"),
    "account": ("Compte", "Account"),
    "closed": ("fermé", "closed"),
    "contacts": ("Personnes", "Contacts"),
    "no_contacts": ("Personne n’a accès à ce compte.", "Nobody has access to this account."),
    "sees_orders": ("commandes", "orders"),
    "sees_invoices": ("factures", "invoices"),
    "remove": ("Retirer", "Remove"),
    "orders": ("Commandes", "Orders"),
    "no_orders": ("Aucune commande", "No order"),
    "ends": ("fin", "ends"),
    "no_end": ("sans fin", "no end date"),
    "end_soon": ("Finir bientôt", "End soon"),
    "end_soon_long": ("Finir dans 30 jours", "End in 30 days"),
    "invoices": ("Factures", "Invoices"),
    "no_invoices": ("Aucune facture", "No invoice"),
    "number": ("Numéro", "Number"),
    "date": ("Date", "Date"),
    "amount": ("Montant", "Amount"),
    "balance": ("À payer", "Due"),
    "paid": ("payée", "paid"),
    "pay": ("Payer", "Pay"),
    "pay_long": ("Marquer payée", "Mark as paid"),
    "all_invoices": ("Toutes les factures", "All invoices"),
    "issue": ("Émettre une facture", "Issue an invoice"),
    "issue_act": ("Émettre", "Issue"),
    "for_order": ("Commande", "Order"),
    "no_order": ("aucune", "none"),
    "clock": ("Horloge", "Clock"),
    "clock_note": (
        "Telegram, le portail, la boîte et le bot la suivent.",
        "Telegram, portal, mail and bot follow it.",
    ),
    "clock_is": ("L’horloge marque :", "The clock shows:"),
    "move_tomorrow": ("Demain 9 h", "Tomorrow 9:00"),
    "move_hour": ("+ 1 heure", "+ 1 hour"),
    "move_day": ("+ 1 jour", "+ 1 day"),
    "move_week": ("+ 7 jours", "+ 7 days"),
    "move_real": ("Heure réelle", "Real time"),
    "due_date": ("Échéance", "Due date"),
    "new_order": ("Nouvelle commande", "New order"),
    "order_text": ("Description", "Description"),
    "usual_order": ("Repérage GPS, 1 véhicule", "GPS tracking, 1 vehicle"),
    "order_act": ("Ajouter", "Add"),
    "ordered": ("Commande créée :", "Order created:"),
    "issued": ("Facture émise :", "Invoice issued:"),
    "marked_paid": ("Facture payée :", "Invoice paid:"),
    "ended_soon": ("Finit dans 30 jours : commande", "Ends in 30 days: order"),
    "removed": ("Retiré du compte :", "Removed from the account:"),
    # faults
    "health": ("Ce qui marche, ce qui ne marche pas", "What works and what does not"),
    "health_note": (
        "Chaque panne dure jusqu’à « Tout va bien ».",
        "Each fault lasts until “All is well”.",
    ),
    "well": ("Tout va bien", "All is well"),
    "custom": ("Autre panne, par l’API de contrôle", "Another fault, by the control API"),
    "more_faults": ("Autres pannes", "More faults"),
    # log
    "calls": ("Appels de l’API Bot et du portail", "Calls of the Bot API and of the portal"),
    "show_polls": ("Montrer getUpdates et le fil", "Show getUpdates and the feed"),
    "no_calls": ("Aucun appel", "No call"),
    "cut": ("coupé", "cut"),
    "ignored": ("Telegram l’ignore :", "Telegram ignores it:"),
}


class Words:
    """The words of one language, as attributes."""

    def __init__(self, language: str) -> None:
        self._at = LANGUAGES.index(language)

    def __getattr__(self, name: str) -> str:
        try:
            return _WORDS[name][self._at]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, name: str) -> str:
        """Return a word whose name is composed: `w["kind_" ~ kind]`."""
        return _WORDS[name][self._at]
