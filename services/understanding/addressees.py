"""Whose an address is that a text mentions unasked: the person's own new one, or that of whom a copy is for."""

import re

from services.understanding.normalising import folded, plain_text

_BOOKKEEPER = re.compile(r"\b(?:compta\w*|teneu(?:r|se)s? de livres?|bookkeep\w*|accountants?|accounting)\b")
_SENDING = re.compile(
    r"\b(?:envo[iy]\w*|transf\w*|achemin\w*|copi(?:e|es|er|ez)|cc|send|sends|sending|forward\w*|copy|copies|copying"
    r"|(?:e-?)?mail (?:it|this|that|them|those|these|all|every\w*|my|our|the|copies|invoices?|bills?)"
    r"|factures?|invoices?|bills?|releves?|statements?)\b"
)
_STOPPING = re.compile(
    r"\b(?:arret\w*|cess\w*|stop\w*|annul\w*|cancel\w*|retir\w*|enlev\w*|remov\w*|supprim\w*|delet\w*|plus|pas|dont"
    r"|don't|not|no longer|never|jamais)\b"
)
_ADDRESS = r"(?:e-?mails?|courriels?|mails?|adresses?|address|addy|boite)"
_CHANGED = (
    r"(?:chang\w*|nouve(?:l|au|lle)|new|updat\w*|modifi\w*|remplac\w*|replac\w*|corrig\w*|correct|wrong|mauvaise?"
    r"|ancien(?:ne)?s?|old|desormais|dorenavant|maintenant|a present|now|from now on|switch\w*|mettre a jour"
    r"|mise a jour|mets a jour|mettez a jour|plus (?:valide|bonne?|actif|active)|no longer|not? anymore)"
)
_OWN_CHANGE = re.compile(
    rf"\b{_CHANGED}\b.*\b{_ADDRESS}\b|\b{_ADDRESS}\b.*\b{_CHANGED}\b"
    r"|\bplus (?:d')?acces\b|\b(?:lost|no longer have|no more|dont have|don't have) access\b"
)


def names_bookkeeper(text: str) -> bool:
    """Return whether a text names a bookkeeper."""
    return _BOOKKEEPER.search(_plain(text)) is not None


def asks_to_send(text: str) -> bool:
    """Return whether a text asks to send something, or for a copy, or names what is sent."""
    return _SENDING.search(_plain(text)) is not None


def stops_copies(text: str) -> bool:
    """Return whether a text asks for no more copies: ``arrête les copies à``, ``don't send invoices to``."""
    return asks_to_send(text) and _STOPPING.search(_plain(text)) is not None


def changes_own_address(text: str) -> bool:
    """Return whether a person says that their own address changes: ``my email is changing to``."""
    plain = _plain(text)
    is_copy = re.search(r"\b(?:copi(?:e|es)|copy|copies)\b", plain) is not None
    return _OWN_CHANGE.search(plain) is not None and not is_copy and not names_bookkeeper(text)


def _plain(text: str) -> str:
    return " ".join(folded(plain_text(text)).split())
