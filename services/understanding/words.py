"""The words of both languages that stand around a request, and those that leave a question or greet."""

import re
import unicodedata

from portal.models import Part
from services.understanding.normalising import EDGES, folded, plain_text

_MOST_EMOJI = 12


def _words(text: str) -> frozenset[str]:
    """Return the words of a text, as ``key_of`` returns them."""
    return frozenset(folded(word) for word in text.split())


INVOICES = _words("facture factures fact invoice invoices inv bill bills")
ORDERS = _words("commande commandes cmd cde order orders po entente contrat contract")
INVOICE_NOUNS = INVOICES | _words("avoir note credit compte-rendu receipt recu")
ORDER_NOUNS = ORDERS | _words("bc bon")
NUMBER_NOUNS = _words(
    """
    n no nos nr num numero numeros number numbers n° # ref reference document papier piece id doc pdf
    """
)
POLITE = _words(
    """
    svp stp s.v.p s.v.p. s'il si vous te plait plais merci mercis please pls plz thanks thank you thx ty bonjour
    bonsoir salut allo allô coucou hello hi hey good morning day afternoon evening beaucoup bien cordialement bye
    """
)
SMALL = _words(
    """
    le la les l un une des du de d au aux a à en et ou mon ma mes notre nos votre vos ton ta tes ce cet cette ces ça
    ca the an of for my our your this that these it its i me moi je j j'ai ai tu nous on se y c'est est sont etes is
    are am was be been do does did can could would will like want wants need needs have has had get got give show
    see view open send find look looking search display list where what what's which how about to and or in at
    voudrais voudrait aimerais aimerait veux veut voulez desire souhaite souhaiterais cherche chercher recherche
    trouver trouve trouvez voir vois ouvrir ouvre ouvrez montrer montre montrez montre-moi montrez-moi donner donne
    donnez donne-moi donnez-moi afficher affiche affichez envoyer envoie envoyez envoie-moi envoyez-moi avoir
    obtenir recevoir consulter besoin peux peut peux-tu pouvez pourrais pourriez pourriez-vous pouvez-vous suivre
    toutes tous tout toute all every any some
    suis où est-ce que quel quelle quels quelles quoi comment pour sur avec svp concernant regarding i'd i'm let's
    d'un d'une voici voila here numero whats thats whos c
    """
)
FILLERS = INVOICE_NOUNS | ORDER_NOUNS | NUMBER_NOUNS | POLITE | SMALL
NOT_NOUNS = POLITE | SMALL
_ELISION = re.compile(r"(?:l|d|j|s|n|c|m|t|qu)'(?=\w{3,})")

_LEAVE = frozenset(
    folded(phrase)
    for phrase in (
        *("annuler", "annule", "annulez", "annulation", "abandonner", "abandonne", "quitter", "quitte", "arrêter"),
        *("arrête", "arrêtez", "arrêt", "stop", "stopper", "non", "nan", "nenni", "laisse faire", "laissez faire"),
        *("laisse tomber", "laissez tomber", "laisse", "oublie ça", "oubliez ça", "oublie", "oubliez"),
        *("pas maintenant", "plus tard", "une autre fois", "rien", "retour", "sortir", "terminer", "fini"),
        *("finalement non", "non non", "pas besoin", "tant pis", "ignorer", "ignore", "ne rien faire"),
        *("je ne veux plus", "je veux annuler", "je veux arrêter", "c'est bon laisse faire", "ça va laisse faire"),
        *("aucun", "aucune", "cancel", "cancel it", "cancel that", "cancel this", "abort", "quit", "exit", "leave"),
        *("no", "nope", "nah", "no no", "never mind", "annule tout", "annulez tout", "arrête tout"),
        *("cancel everything", "cancel all", "stop everything", "stop all", "stop everything", "nevermind", "nvm"),
        *("forget it", "forget about it", "forget that", "drop it", "leave it", "skip", "skip it", "not now"),
        *("later", "maybe later", "another time", "nothing", "back", "go back", "end", "done", "none"),
        *("i changed my mind", "i want to cancel", "i want to stop", "no need", "don't bother", "stop it"),
        *("stop that"),
    )
)
_ENDS = frozenset(
    folded(phrase)
    for phrase in (
        *("stop", "fin", "terminer", "termine", "quitter", "quitte", "annuler", "annule", "annulez", "annule tout"),
        *("arrêter", "arrête", "arrêtez", "end", "end chat", "quit", "exit", "leave", "cancel", "stop it"),
    )
)
_YES_OR_NO = _words("oui ouais ouin yes yep yeah yup non nan no nope nah")
_OF_LISTS = _words(
    """
    page pages suivant suivante suivantes suivants prochaine prochain précédent précédente plus encore next previous
    more
    premier première deuxième troisième quatrième cinquième dernier first second third fourth fifth last
    premières deuxièmes autre autres other others
    voir montre show open ouvre la le les the one go to et a celle celui non no pas deux two trois three d'avant d'après
    """
)
_NOT_ALONE = _words(
    """
    page pages voir montre show open ouvre la le les the one go to et a dernier last prochain celle celui non no pas
    deux two trois three autres others
    """
)
_THANKS = _words("merci mercis thanks thank thx ty")
_SMALL_TALK = _words(
    """
    a au c'est est ca de la le les l you u i i'm je me moi tu te toi vous un une it its is are the that's lot lots one
    fin fine smatte gentil gentille ben t'es
    """
)
_GREETINGS = frozenset(
    folded(word)
    for word in (
        *("bonjour", "bonsoir", "salut", "allo", "coucou", "merci", "merci beaucoup", "ok merci", "parfait merci"),
        *("bon matin", "gm"),
        *("hello", "hi", "hey", "good morning", "good afternoon", "good evening", "thanks", "thank you", "thx", "ty"),
        *("ça va", "comment ça va", "à plus", "what's up", "thanks a lot", "thank you very much"),
        *("merci bien", "bonne journée", "bye", "goodbye", "au revoir"),
    )
)


_COURTESIES = _words(
    """
    ok okay parfait super genial cool great perfect nice awesome excellent accord dac entendu compris oui ouais yes
    yep yeah bravo bonne bon journee soiree nuit fin semaine week-end bientot beau belle how there so much very big
    desole excuse excusez sorry lol mdr haha see take care have great welcome gentil kind top wow note noted got
    tres bcp
    """
)
"""Words of thanks and small talk; a text of these and of polite and small words alone asks for nothing."""
_ABOUT = frozenset(
    folded(phrase)
    for phrase in (
        *(
            "qui es-tu",
            "qui es tu",
            "qui êtes-vous",
            "t'es qui",
            "tu es qui",
            "vous êtes qui",
            "c'est qui",
            "c'est quoi",
        ),
        *(
            "c'est quoi ça",
            "c'est quoi ce truc",
            "c'est quoi ici",
            "qu'est-ce que c'est",
            "es-tu un robot",
            "êtes-vous un",
        ),
        *("es-tu là", "êtes-vous là", "y a-t-il quelqu'un", "es-tu humain", "tu es un robot", "êtes-vous un robot"),
        *("comment ça marche", "comment ça fonctionne", "à quoi ça sert", "à quoi tu sers", "ça sert à quoi"),
        *("pourquoi", "pourquoi vous me demandez ça", "what is this", "what's this", "who are you", "who is this"),
        *("who's this", "what are you", "are you a bot", "are you a robot", "are you human", "are you a human"),
        *("are you real", "are you a real person", "are you there", "how does it work", "how does this work", "why"),
        *(
            "what is it",
            "what is this for",
            "what's this for",
            "what do you do",
            "test",
            "ping",
            "hello is this working",
        ),
    )
)
_SCOLDING = _words(
    """
    merde chier marde tabarnak tabarnac tabarnouche calisse caliss crisse criss putain con conne connard imbecile idiot
    idiote stupide niaiseux niaiseuse maudit maudite nul nulle poche pourri debile foutre enfoire salaud fuck fucking
    fucked shit bullshit damn stupid useless sucks suck crap wtf dumb moron asshole bitch hell
    """
)
_MACHINES = _words("robot bot bots robots machine assistant chatbot va you toi off ton ta systeme system thing patente")
_AGAIN = re.compile(
    r"\b(?:renvo\w+|resend\w*|nouveau code|autre code|new code|another code|un autre|another one"
    r"|(?:send|envoie|envoyez|envoyer)\b.*\b(?:again|encore|a nouveau|de nouveau))\b"
)
_OTHER_ADDRESS = re.compile(
    r"\b(?:(?:autre|mauvaise?|nouvelle|changer d[e']?|changer mon|changer l')\s*(?:adresse|courriel|mail|email|e-mail)"
    r"|(?:other|another|wrong|different|new|change (?:my|the))\s+"
    r"(?:email |e-mail |mail )?(?:address|email|e-mail|mail))\b"
)


def key_of(word: str) -> str:
    """Return a word as the sets above have it: in lower case, without accents, article and punctuation."""
    return _ELISION.sub("", folded(word.strip(EDGES)), count=1)


def ends_conversation(text: str) -> bool:
    """Whether the whole text asks to end a conversation with a person; yes and no may be meant for that person."""
    return _phrase(text) in _ENDS


def answers_yes_or_no(text: str) -> bool:
    """Whether the whole text is a yes or a no."""
    return _phrase(text) in _YES_OR_NO


def points_at_list(text: str) -> bool:
    """Whether the whole text points at a list on the screen: ``page suivante``, ``plus``, ``the second one``."""
    keys = [key_of(word) for word in _phrase(text).split()]
    return all(key in _OF_LISTS for key in keys) and not all(key in _NOT_ALONE for key in keys)


def is_filler(word: str) -> bool:
    """Whether a word only stands around a number: a noun, an article, a verb of asking, a polite word."""
    return _is_one_of(word, FILLERS)


def is_small(word: str) -> bool:
    """Whether a word cannot belong to a number that follows it: an article, a verb of asking, a polite word."""
    return _is_one_of(word, NOT_NOUNS)


def _is_one_of(word: str, words: frozenset[str]) -> bool:
    return key_of(word) in words or folded(word.strip(EDGES)) in words or not any(c.isalnum() for c in word)


def part_of(words: list[str]) -> Part | None:
    """Return what the words around a number call it; None for neither or both."""
    keys = {key_of(word) for word in words}
    is_invoice, is_order = not keys.isdisjoint(INVOICE_NOUNS), not keys.isdisjoint(ORDER_NOUNS)
    if is_invoice is is_order:
        return None
    return Part.INVOICES if is_invoice else Part.ORDERS


def leaves(text: str) -> bool:
    """Whether the whole text leaves a question: ``annuler``, ``non merci``, ``nevermind``, ``/cancel``."""
    phrase = _phrase(text)
    return phrase in _LEAVE or _without_politeness(phrase) in _LEAVE


def greets(text: str) -> bool:
    """Whether the whole text is a greeting or thanks."""
    phrase = _phrase(text)
    if phrase in _GREETINGS or (bool(phrase) and not _without_politeness(phrase)):
        return True
    keys = [key_of(word) for word in phrase.split()]
    return any(key in _COURTESIES for key in keys) and all(key in _COURTESIES | POLITE | _SMALL_TALK for key in keys)


def is_emoji(text: str) -> bool:
    """Whether a text is one or more emoji and nothing else."""
    characters = [c for c in text if not c.isspace() and c not in EDGES]
    categories = {unicodedata.category(c) for c in characters}
    return len(characters) <= _MOST_EMOJI and "So" in categories and categories <= {"So", "Sk", "Mn", "Me", "Cf"}


def thanks(text: str) -> bool:
    """Whether a short text has a word of thanks."""
    return any(key_of(word) in _THANKS for word in _phrase(text).split())


def asks_about_bot(text: str) -> bool:
    """Whether the whole text asks who or what answers here, or scolds it."""
    phrase = _phrase(text)
    if phrase in _ABOUT or _without_politeness(phrase) in _ABOUT:
        return True
    keys = [key_of(word) for word in phrase.split()]
    return any(key in _SCOLDING for key in keys) and all(key in _SCOLDING | _MACHINES | POLITE | SMALL for key in keys)


def asks_again(text: str) -> bool:
    """Whether a short text asks for another code: ``renvoyez le code``, ``send it again``."""
    return _AGAIN.search(_phrase(text)) is not None


def asks_other_address(text: str) -> bool:
    """Whether a short text says that the code was to go to another address."""
    return _OTHER_ADDRESS.search(_phrase(text)) is not None


def _phrase(text: str) -> str:
    """Return a short text in lower case, without accents and punctuation; empty for a long one."""
    if len(text) > 60:
        return ""
    words = (word.strip(EDGES + "/\\-") for word in folded(plain_text(text)).split())
    return " ".join(word for word in words if any(c.isalnum() for c in word))


_POLITE_WORDS = POLITE - {"good", "day", "si", "vous", "te", "you"} | {"ok", "okay"}


def _without_politeness(phrase: str) -> str:
    phrase = re.sub(r"\bs'il (?:vous|te) plai[ts]\b|\bthank you(?: very much)?\b|\bthanks a lot\b", "", phrase)
    return " ".join(word for word in phrase.split() if word not in _POLITE_WORDS)
