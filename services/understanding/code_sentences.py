"""Tell a typed code, and the few words around it, from a sentence about something else that has a number in it."""

import re

from services.understanding.codes import codes_in
from services.understanding.normalising import folded, plain_text
from services.understanding.words import INVOICES, ORDERS, POLITE, SMALL, key_of

_MOST_OTHER_WORDS = 2
"""Words that may stand around a code and are not among those below: ``tiens, le boss dit 123456``."""
_MOST_WITH_CODE_WORD = 8
_CODE_WORD = frozenset({"code", "codes", "nip", "pin", "otp"})
_AROUND = (
    POLITE
    | SMALL
    | _CODE_WORD
    | frozenset(
        folded(
            """
            suivant following recu reçus received got mail mails courriel courriels email e-mail message boite chiffres
            digits six dit dis said says say tape tapé typed écrit écrire essaie essayez try tiens tenez there go ya ok
            okay oui yes yep ah oh eh ben bon bin donc so then ici cest d'accord crois think pense confirmation
            vérification verification qui que qu'on one gave sent pas encore again non no wait hold
            """
        ).split()
    )
)
_ELSE = (
    INVOICES
    | ORDERS
    | frozenset(
        folded(
            """
            payé payée payer payés payées paie paye pay paid paying payment paiement paiements montant amount chèque
            check cheque virement interac wrong erreur error pourquoi pkoi why combien cb quoi koi kossé kessé kesse
            comment how what what's whats where when quand due dû échue échéance solde balance semaine week hier
            yesterday mois month total taxes tps tvq gst hst crédit credit receipt camion camions truck trucks van
            unité unit units gps appareil boitier tracker véhicule vehicle
            """
        ).split()
    )
)
"""Words of a sentence that a number in it belongs to: an invoice, a price, a day, a truck, a question."""
_NAMED = re.compile(
    r"\b(?:code|nip|pin|otp)\b"
    r"(?:\W+(?:est|is|was|etait|c|c'est|cest|it's|its|le|la|the|suivant|following|recu|received|number|numero))*"
    r"[^\w+$]+(?=\w*\d)"
)
"""The word "code" and the number that it announces."""
_NUMBER_SIGN = re.compile(r"(?:#|\bn[o°]\.?)\s*\d")


def speaks_of_else(text: str) -> bool:
    """Whether a text with six digits in it is a sentence about something else, and not a code with little around it.

    A number that the word "code" announces is one in any sentence, and so is one alone on its line: a whole mail may be
    pasted.
    """
    plain = folded(plain_text(text))
    if any(not _is_of_paper(plain[: found.start()]) for found in _NAMED.finditer(plain)):
        return False
    if _NUMBER_SIGN.search(plain):
        return True
    if any(codes_in(line) and not _words(line) for line in plain.splitlines()):
        return False
    keys = _words(plain)
    if not _ELSE.isdisjoint(keys):
        return True
    others = sum(key not in _AROUND for key in keys)
    return others > (_MOST_OTHER_WORDS if _CODE_WORD.isdisjoint(keys) else _MOST_WITH_CODE_WORD)


def _is_of_paper(before: str) -> bool:
    """Return whether a text ends with a noun of a paper, so that the word "code" after it is the paper's."""
    words = before.split()
    return bool(words) and key_of(words[-1]) in INVOICES | ORDERS


def _words(plain: str) -> list[str]:
    """Return the words without a digit."""
    without_digit = (word for word in plain.split() if not any(c.isdigit() for c in word))
    return [key_of(word) for word in without_digit if any(c.isalpha() for c in word)]
