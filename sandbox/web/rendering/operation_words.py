"""The words of the operations pane: metrics, states of deliveries, kinds of notices, alerts."""

from collections.abc import Mapping
from typing import Any

from sandbox.web.rendering.words import LANGUAGES

METRICS = {
    "linked_chats": ("Conversations liées", "Linked chats"),
    "updates_handled": ("Messages et touches traités", "Updates handled"),
    "updates_failed": ("Traitements en échec", "Updates failed"),
    "updates_in_progress": ("En cours de traitement", "Updates in progress"),
    "update_time": ("Durée moyenne d’un traitement", "Mean time of an update"),
    "notices": ("Avis envoyés", "Notices sent"),
    "waiting": ("Avis en attente", "Notices that wait"),
    "delay": ("De l’événement à l’envoi", "From event to sent"),
    "feed_age": ("Âge du fil du portail", "Age of the portal’s feed"),
    "portal_calls": ("Appels du portail réussis", "Portal calls, successful"),
    "telegram_calls": ("Appels de Telegram réussis", "Telegram calls, successful"),
    "mail": ("Courriels envoyés", "Mail sent"),
    "database": ("Base de données", "Database"),
    "process": ("Mémoire du bot", "Memory of the bot"),
}
OUTCOMES = {
    "blocked": ("bloqués", "blocked"),
    "cancelled": ("annulés", "cancelled"),
    "uncertain": ("incertains", "uncertain"),
    "retry": ("à réessayer", "to retry"),
    "deferred": ("reportés", "deferred"),
    "too_many": ("freinés (429)", "too many (429)"),
    "refused": ("refusés", "refused"),
    "server": ("erreurs du serveur", "server errors"),
    "gateway": ("erreurs de passerelle", "gateway errors"),
    "timed_out": ("sans réponse", "timed out"),
    "not_sent": ("sans connexion", "no connection"),
    "network": ("coupés", "broken off"),
    "unavailable": ("indisponible", "unavailable"),
    "recipient": ("adresse refusée", "recipient refused"),
    "size": ("trop gros", "too large"),
    "ours": ("expéditeur refusé", "sender refused"),
    "misconfigured": ("mal configuré", "misconfigured"),
    "PortalUnavailable": ("portail en panne", "portal unavailable"),
    "PortalAway": ("non tentés, portail en panne", "not made, portal away"),
    "NotFound": ("introuvables", "not found"),
}
STATES = {
    "queued": ("En attente", "Queued"),
    "leased": ("En préparation", "Being made"),
    "sending": ("En cours d’envoi", "Being sent"),
    "retry": ("À réessayer", "To retry"),
    "sent": ("Envoyé", "Sent"),
    "blocked": ("Bloqué", "Blocked"),
    "cancelled": ("Annulé", "Cancelled"),
    "uncertain": ("Incertain", "Uncertain"),
}
KINDS = {
    "invoice.issued": ("Nouvelle facture", "New invoice"),
    "invoice.paid": ("Facture payée", "Invoice paid"),
    "invoice.cancelled": ("Facture annulée", "Invoice cancelled"),
    "order.created": ("Nouvelle commande", "New order"),
    "order.ending": ("Fin de commande", "Order ending"),
    "reminder.before": ("Rappel avant l’échéance", "Reminder before the due date"),
    "reminder.due": ("Rappel le jour de l’échéance", "Reminder on the due date"),
    "reminder.later": ("Rappel après l’échéance", "Reminder after the due date"),
    "copy.stopped": ("Copie arrêtée", "Copy stopped"),
    "copy.paused": ("Copie suspendue", "Copy paused"),
    "copy.without_pdf": ("Copie sans PDF", "Copy without PDF"),
    "copy.sealed": ("Copie illisible", "Copy unreadable"),
    "contact.removed": ("Personne retirée", "Contact removed"),
    "account.closed": ("Compte fermé", "Account closed"),
    "address.changed": ("Adresse changée", "Address changed"),
    "access.ended": ("Accès terminé", "Access ended"),
    "link.unused": ("Lien inutilisé", "Link unused"),
    "policy.changed": ("Nouvelle politique", "New policy"),
    "company.news": ("Nouvelles de l’entreprise", "News from the company"),
}
ALERTS = {
    "portal": ("Le portail ne répond pas", "The portal does not answer"),
    "feed": ("Le fil du portail est en retard", "The portal’s feed is late"),
    "webhook": ("Le webhook de Telegram échoue", "Telegram’s webhook fails"),
    "polling": ("Telegram ne livre pas les messages", "Telegram delivers no messages"),
    "mail": ("Le serveur de courriel refuse les envois", "The mail server refuses mail"),
    "uncertain": ("Trop d’avis incertains", "Too many uncertain notices"),
    "errors": ("Le programme échoue souvent", "The program fails often"),
    "keys": ("Des données que nulle clé n’ouvre", "Data that no key opens"),
    "loops": ("Une boucle du bot échoue", "A loop of the bot fails"),
}
_MEANINGS = {
    "queued": "Il attend d’être envoyé.",
    "leased": "Un travailleur l’a pris et prépare le message\u00a0; rien n’est encore envoyé.",
    "sending": "Un travailleur l’envoie en ce moment.",
    "retry": "Il n’a certainement pas été envoyé\u00a0; un autre essai suivra.",
    "sent": "Telegram l’a accepté.",
    "blocked": "La personne a bloqué le bot ou supprimé la conversation.",
    "cancelled": "Rien ne sera plus envoyé.",
    "uncertain": "Le message est parti, et personne ne sait s’il est arrivé.",
}
"""What ``odobot deliveries`` means by a state, in French."""


def words_of(table: Mapping[str, tuple[str, str]], name: str, language: str) -> str:
    """Return the words of a name; the name itself where it has none, as one of a newer bot."""
    return table.get(name, (name, name))[LANGUAGES.index(language)]


def meaning(delivery: Mapping[str, Any], language: str) -> str:
    """Return what the state of a delivery means: the command's own words, or the same in French."""
    if language == "en":
        return str(delivery["means"])
    state, reason = delivery["state"], delivery["reason"]
    is_mail = delivery["channel"] == "email"
    if state == "queued" and delivery["is_repetition"]:
        return (
            "Un message précédent n’est peut-être pas arrivé\u00a0; sa répétition, qui le dit, attend d’être envoyée."
        )
    if state == "queued" and delivery["is_postponed"]:
        return "Reporté à la fin des heures calmes de la conversation."
    if is_mail and state in ("sent", "blocked"):
        return "Le serveur de courriel l’a accepté." if state == "sent" else "L’adresse ne prend pas de courriel."
    said = _MEANINGS.get(state, state)
    return f"{said} ({reason})" if reason and state in ("retry", "cancelled", "uncertain") else said
