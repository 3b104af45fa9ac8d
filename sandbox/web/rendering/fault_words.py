"""The words of the faults pane: for each fault of the registries a name and a note, in French and in English."""

from sandbox.web.rendering.words import LANGUAGES

_WORDS: dict[str, dict[str, tuple[str, str, str, str]]] = {
    "portal": {
        "down": ("Arrêté", "connexion refusée", "Down", "connection refused"),
        "drop": ("Coupe", "ferme sans répondre", "Drops", "closes without an answer"),
        "reset": ("Coupe net", "connexion réinitialisée", "Resets", "connection reset"),
        "cut": ("À moitié", "la réponse s’arrête au milieu", "Cut", "the answer stops halfway"),
        "slow": ("Lent", "6 secondes par réponse", "Slow", "6 seconds an answer"),
        "stall": ("Se tait", "l’en-tête, puis 6 secondes", "Stalls", "the head, then 6 seconds"),
        "drip": ("Goutte à goutte", "un octet à la fois", "Drips", "a byte at a time"),
        "unavailable": ("Indisponible", "503 à chaque demande", "Unavailable", "503 at every request"),
        "server_error": ("Erreurs 500", "à chaque demande", "500 errors", "at every request"),
        "too_many": ("Trop de demandes", "429, Retry-After", "Too many", "429, Retry-After"),
        "unauthorised": ("Jeton refusé", "401 à chaque demande", "Token refused", "401 at every request"),
        "not_ready": ("Pas prêt", "409 pour les PDF", "Not ready", "409 for PDFs"),
        "malformed_json": ("JSON illisible", "200 sans JSON", "No JSON", "200 without JSON"),
        "wrong_type": ("Mauvais type", "le bon corps, en text/html", "Wrong type", "the right body, as text/html"),
        "pdf_empty": ("PDF vide", "aucun octet", "Empty PDF", "no byte"),
        "pdf_corrupt": ("PDF abîmé", "du bruit, au lieu du PDF", "Bad PDF", "noise, instead of the PDF"),
        "pdf_truncated": ("PDF coupé", "la première moitié", "Cut PDF", "the first half"),
        "pdf_html": ("PDF en HTML", "la page de connexion", "PDF as HTML", "the sign-in page"),
        "pdf_huge": ("PDF énorme", "51 Mo", "Huge PDF", "51 MB"),
        "gzip_bomb": ("Bombe gzip", "51 Mo une fois décompressé", "Gzip bomb", "51 MB once decompressed"),
        "json_endless": ("JSON sans fin", "51 Mo", "Endless JSON", "51 MB"),
        "json_deep": ("JSON profond", "cent mille listes", "Deep JSON", "a hundred thousand lists"),
        "proxy_page": ("Page d’un proxy", "404 en HTML", "Proxy page", "404 in HTML"),
        "odd_contact": ("Personnes étranges", "champs hors contrat", "Odd contacts", "fields beside the contract"),
        "unreadable_contact": ("Personnes sans id", "illisibles", "Contacts without ids", "cannot be read"),
        "another_number": ("Autre numéro", "que celui demandé", "Another number", "than the one asked for"),
        "another_account": ("Autre compte", "que celui demandé", "Another account", "than the one asked for"),
        "bad_events": ("Événements mauvais", "parmi les bons", "Bad events", "among the good ones"),
        "numeric_events": ("Événements en nombres", "id et numéros", "Numeric events", "ids and numbers"),
        "no_event_page": ("Fil sans page", "aucune liste", "Feed without page", "no list"),
        "empty_pages": ("Fil vide", "toujours un autre curseur", "Empty feed", "always another cursor"),
        "same_cursor": ("Fil arrêté", "toujours la même page", "Feed stands still", "the same page again"),
        "cursor_cycle": ("Fil en boucle", "deux curseurs alternent", "Feed in a circle", "two cursors take turns"),
        "events_twice": ("Événements doubles", "chacun deux fois", "Events twice", "each one two times"),
        "events_reversed": ("Fil à rebours", "dans le mauvais ordre", "Feed reversed", "in the wrong order"),
        "cursor_gone": ("Curseur oublié", "410 pour chacun", "Cursor gone", "410 for each"),
    },
    "telegram": {
        "too_many": ("Trop d’envois", "429, attendre 5 secondes", "Too many", "429, wait 5 seconds"),
        "too_many_here": (
            "Trop d’envois ici",
            "429 pour cette conversation",
            "Too many here",
            "429 for this chat only",
        ),
        "blocked": ("Bloqué", "403 à chaque envoi", "Blocked", "403 at every sending"),
        "error": ("Erreurs 500", "de Telegram même", "500 errors", "of Telegram itself"),
        "gateway": ("Erreurs 502", "sans réponse de l’API", "502 errors", "without an API answer"),
        "body": ("Réponse absurde", "200 sans résultat", "Nonsense", "200 without a result"),
        "latency": ("Lent", "2 secondes de plus", "Slow", "2 seconds more"),
        "hang_before": ("Se tait", "rien n’est envoyé", "Hangs", "nothing is sent"),
        "hang_after": ("Se tait après", "le message part", "Hangs after", "the message goes out"),
        "close_before": ("Ferme", "rien n’est envoyé", "Closes", "nothing is sent"),
        "close_after": ("Ferme après", "le message part", "Closes after", "the message goes out"),
        "reset_before": ("Coupe net", "rien n’est envoyé", "Resets", "nothing is sent"),
        "reset_after": ("Coupe net après", "le message part", "Resets after", "the message goes out"),
        "webhook_elsewhere": ("Webhook ailleurs", "posé par un autre", "Webhook elsewhere", "set by another process"),
        "another_poller": ("Autre lecteur", "409 à getUpdates", "Another poller", "409 at getUpdates"),
    },
    "mail": {
        "down": ("Arrêté", "connexion refusée", "Down", "connection refused"),
        "refused": ("Adresse refusée", "550 au destinataire", "Address refused", "550 at the recipient"),
        "greylisting": ("Liste grise", "451 pendant une minute", "Greylisting", "451 for a minute"),
        "mailbox_full": ("Boîte pleine", "552 au destinataire", "Mailbox full", "552 at the recipient"),
        "mailbox_full_for_now": ("Boîte pleine, pour l’instant", "452", "Mailbox full for now", "452"),
        "blocked_sender": ("Expéditeur bloqué", "550 après le contenu", "Sender blocked", "550 after the content"),
        "relay_denied": ("Relais refusé", "554 au destinataire", "Relay denied", "554 at the recipient"),
        "quota": ("Quota dépassé", "550 à l’expéditeur", "Quota exceeded", "550 at the sender"),
        "too_large": ("Trop gros", "552 après le contenu", "Too large", "552 after the content"),
        "restarting": ("Redémarre", "421 pendant 20 s", "Restarting", "421 for 20 s"),
        "too_many_connections": ("Trop de connexions", "421 pendant 20 s", "Too many connections", "421 for 20 s"),
        "reset": ("Coupe l’accueil", "trois fois", "Drops the greeting", "three times"),
        "tls_breaks": ("TLS interrompu", "trois fois", "TLS breaks", "three times"),
        "login_refused": ("Connexion refusée", "535 à AUTH", "Login refused", "535 at AUTH"),
        "login_later": ("Connexion différée", "454 pendant 20 s", "Login deferred", "454 for 20 s"),
        "lost_after_content": ("Réponse perdue", "reçu, puis coupé, une fois", "Reply lost", "stored, then cut, once"),
        "silent_after_content": (
            "Réponse muette",
            "reçu, puis silence, une fois",
            "No reply",
            "stored, then silence, once",
        ),
        "connect": ("Pas d’accueil", "421 à la connexion", "No greeting", "421 at the connection"),
        "ehlo": ("EHLO refusé", "451", "EHLO refused", "451"),
        "starttls": ("STARTTLS refusé", "451", "STARTTLS refused", "451"),
        "auth": ("AUTH différé", "451", "AUTH deferred", "451"),
        "mail": ("Expéditeur différé", "451", "Sender deferred", "451"),
        "rcpt": ("Destinataire différé", "451, durant la panne", "Recipient deferred", "451, as long as it lasts"),
        "data": ("DATA différé", "451", "DATA deferred", "451"),
        "content": ("Contenu différé", "451 après le contenu", "Content deferred", "451 after the content"),
        "stored": ("Reçu, puis 451", "le courriel est gardé", "Stored, then 451", "the mail is kept"),
        "quit": ("QUIT refusé", "451 à la fin", "QUIT refused", "451 at the end"),
        "hang": ("Se tait", "au contenu", "Hangs", "at the content"),
        "break": ("Coupe", "au contenu", "Breaks off", "at the content"),
    },
}


def has_words(system: str, fault: str) -> bool:
    """Return whether a fault has words. Without them the page shows its name in the registry."""
    return fault in _WORDS[system]


def fault_words(system: str, fault: str, language: str) -> tuple[str, str]:
    """Return the name of a fault, and the note below it."""
    words = _WORDS[system].get(fault, (fault, "", fault, ""))
    at = 2 * LANGUAGES.index(language)
    return words[at], words[at + 1]
