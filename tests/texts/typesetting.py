"""The rules of both languages that a program can check, as functions from a text to its faults."""

import re

from texts.language import Language

_BOTH = {
    r"[\"']": "“ ” or « », and ’",
    r"[ \u00a0\u202f]{2}": "one space",
    r"^\s|\s$": "no space at either end",
    r"\.\.\.": "…",
    r"[ \u00a0][,.](?!\w)": "no space before a comma or full stop",
    r"\bn°|\bN°|#\{": "nº or no.",
}
_TYPESET = {
    Language.FR: {
        r"[^\u00a0]:(?!//)(?!\d)": "a no-break space goes before a colon",
        r"[ \u00a0\u202f][;!?]": "no space before ; ! ?",
        r"«(?!\u00a0)|(?<!\u00a0)»": "no-break spaces inside « »",
        r"[“”‘]": "« »",
        r"\bnº(?!\u00a0)": "a no-break space goes after nº",
        r"\d (?:h|min|s|%|\$|\d{3})(?!\w)": "a no-break space goes between a number and its unit",
        r"\bh[ \u00a0]00\b|\b0\d[ \u00a0]h\b": "20 h, not 20 h 00; 7 h, not 07 h",
    },
    Language.EN: {
        r"[ \u00a0][:;!?]": "no space before : ; ! ?",
        r"[«»]|(?<=\s)‘": "“ ”",
        r"\b[Nn]o\. ": "a no-break space goes after no.",
        r"\d%(?=\w)|\d %": "no space before %",
    },
}
_FORBIDDEN = {
    Language.FR: {
        r"chats?|chatbots?": "conversation",
        r"e-?mails?|mails?|mels?": "courriel",
        r"notifications?|alertes?": "avis",
        r"comptable": "copie pour la comptabilité",
        r"compte courant": "compte affiché",
        r"vérifiez (?:votre|vos) courriels?": "consultez vos courriels",
        r"(?:votre|un autre|même) courriel": "adresse de courriel",
        r"tap(?:er|ez|é)": "écrire: one word for it",
        r"cliqu\w+": "toucher",
        r"compte (?:du|sur le) portail": "compte {company}",
        r"tu|toi|ton|tes": "vous",
        r"plus de rappels?": "aucun autre rappel: “plus de” is also more",
        r"s’il vous plaît de|adresser un problème|canceller|supporter": "French",
    },
    Language.EN: {
        r"chats?|chatbots?": "conversation",
        r"(?<!junk )e?-mails?|(?<!junk )mails?": "email",
        r"notifications?": "notice",
        r"accountant": "bookkeeper",
        r"\{company\} account": "account at {company}: also after “an”",
        r"account on the \{company\} portal": "account at {company}",
        r"noted|go(?:es)? on|good (?:for|until)": "Done, continue, valid",
        r"log(?:ged)? in|click(?:ed|ing)": "sign in, tap",
        r"orders and invoices can be read|read your orders": "view",
        r"to pay since|lives by": "English",
        r"somebody’s|whom": "plain English",
    },
}
_OTHER_LANGUAGE = {
    Language.FR: (r"the|your|you|with|of|and|for|this|that|not|is|are|was|it|to|from|by|invoices?|orders?|account"),
    Language.EN: (
        r"le|les|une?|des|du|de|vous|votre|vos|avec|est|sont|pour|dans|sur|qui|cette?|facture|commandes?|"
        r"\w*[àâçéèêëîïôûùœ]\w*"
    ),
}
_PARTS = re.compile(r"\{\w+\}|https?://\S+|/[a-z]+\b|\S+@\S+|\S+\.(?:pdf|ics|zip)")


def typeset_faults(language: Language, text: str) -> list[str]:
    """Return the rules of typography that a text breaks, each as its advice."""
    return [advice for rule, advice in (_BOTH | _TYPESET[language]).items() if re.search(rule, text)]


def word_faults(language: Language, text: str) -> list[str]:
    """Return the words that a message must not have, each as the advice for it. Placeholders are no words."""
    words = re.sub(r"\{(?!company\})\w+\}", "{}", text)
    rules = _FORBIDDEN[language].items()
    found = [advice for rule, advice in rules if re.search(rf"(?<!\w)(?:{rule})(?!\w)", words, re.IGNORECASE)]
    other = re.findall(rf"(?<!\w)(?:{_OTHER_LANGUAGE[language]})(?!\w)", _PARTS.sub(" ", text), re.IGNORECASE)
    return found + [f"not the other language: {word}" for word in other]
