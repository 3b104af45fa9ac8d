"""Find which of a chat's accounts a typed text names."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from services.understanding.normalising import folded, plain_text
from services.understanding.words import POLITE, SMALL


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"\S*@\S*|\S+://\S+")
_AFTER_NAME = re.compile(r"'s?(?!\w)|\.(?=\s*\S)")
"""An English possessive, and the dot of ``inc.`` inside a sentence."""
_LEAST = 3
"""Letters of the shortest word that names an account."""
_LEAST_WITH_ERROR = 6
"""Letters of the shortest word of a name in which a typing error is corrected."""
_LEGAL_FORMS = _set_of(
    """
    inc ltee ltd limited limitee enr enrg senc sencrl llc llp corp corporation incorporated cie co reg coop sarl
    sas sa
    """
)
_GENERIC = _set_of(
    """
    groupe group transport transports transportation gestion services service entreprise entreprises enterprises
    construction constructions location locations logistique logistics distribution company compagnie societe
    clients client solutions industries international canada quebec ontario holding holdings freres brothers
    fils filles and
    """
)
"""Words of company names that name an account only where no other account of the chat has them."""
_EXCEPT = re.compile(r"(?:^| )(sauf|excepte|hormis|a part|autres? que|except|excepting|apart from|other than|besides)$")
_NOT = frozenset(["not", "pas", "sans", "without"])
"""Words that except the name after them only beside another name, or alone: in « ne délie pas Boréal » they do not."""
_BEFORE_NAME = frozenset(["de", "du", "d", "des", "of", "for", "from", "chez", "at", "with", "avec", "pour"])
_CHOOSING = _set_of(
    """
    switch switching change changes changing go going move over back use using select pick choose view see show
    open look check try about what how whats hows now instead rather then only just same again other another
    next account accounts company business one on in at into let lets want need meant mean it that this no not i
    is we our can could changer change changez changeons passe passes passer passez passons va vas allons aller
    prends prendre prenez prenons choisir choisis choisissez choisissons ouvre ouvrir ouvrez voir vois montre
    montrer montrez affiche afficher affichez utilise utiliser regarde regardons reviens revenir revenons
    retourne retourner retournons bascule basculer plutot maintenant seulement juste uniquement aussi pis puis
    alors sur dans vers chez avec compte comptes compagnie entreprise autre autres quoi c est je veux voudrais
    veut voulais qu en concernant cote quant non oui yes
    """
)
"""Words beside a name that ask for nothing but that account."""


class NamedAccounts(Struct, frozen=True):
    """What a text says of accounts.

    Args:
        accounts: The positions of the accounts that may be meant; never empty.
        rest: The text without their names.
    """

    accounts: tuple[int, ...]
    rest: str


class _Run(Struct, frozen=True):
    """Words of the text that follow each other and belong to the name of one account."""

    account: int
    start: int
    end: int
    naming: frozenset[str]
    is_whole_name: bool


def accounts_in(text: str, names: Sequence[str], company: str) -> NamedAccounts | None:
    """Return the accounts that a text names.

    A word names an account if the accounts' names tell it apart from other words: it is no legal form, no word that
    questions consist of, none of the company's own name, and no word such as "transport" that two accounts have. Any
    words do if they are a whole name of two or more. Where a longer part of one name fits, a shorter one of another
    does not count. « sauf Laflamme » names the others. Long words may have a typing error, and two may be written as
    one: ``northshore``.

    Args:
        text: What a person typed.
        names: The name of each account.
        company: The name of the company that the bot belongs to.

    Returns:
        None where no account is named.
    """
    # With its catalogue it takes a tenth of a second to import, which the start of the bot would wait for.
    from services.understanding.questions.catalogue import catalogue

    plain = plain_text(text)
    spans = list(_spans(plain))
    own = set(_words(company)) | catalogue().known | _LEGAL_FORMS
    words = _corrected([folded(plain[start:end]) for start, end in spans], names, own)
    cores = [_core(name) for name in names]
    runs = [run for at, name in enumerate(names) for run in _runs(at, words, name, cores, own)]
    named = _longest(runs)
    if not named:
        return None
    left_out = {at for run in runs for at in range(run.start, run.end)}
    rest = _without(plain, spans, left_out | _places_before(runs, words, _BEFORE_NAME))
    denied = named & {run.account for run in runs if run.start and words[run.start - 1] in _NOT}
    first = min((run.start for run in runs if _exception_before(run, words)), default=len(words))
    excepted = named & {run.account for run in runs if run.start >= first}  # « sauf Boréal et Laflamme »
    if denied and (named - denied or asks_nothing_else(rest)):
        excepted |= denied
        left_out |= _places_before(runs, words, _NOT)
    if excepted:
        named = named - excepted or set(range(len(names))) - excepted
        left_out |= {run.start - at for run in runs for at in range(1, _exception_before(run, words) + 1)}
        rest = _without(plain, spans, left_out | _places_before(runs, words, _BEFORE_NAME))
    return NamedAccounts(tuple(sorted(named)), rest) if named else None


def _exception_before(run: _Run, words: Sequence[str]) -> int:
    """Return of how many words the exception before a name is, such as « sauf »; 0 for none."""
    found = _EXCEPT.search(" ".join(words[max(run.start - 2, 0) : run.start]))
    return len(found[1].split()) if found else 0


def _places_before(runs: Sequence[_Run], words: Sequence[str], which: Collection[str]) -> set[int]:
    """Return the places of such words that stand before a name."""
    return {run.start - 1 for run in runs if run.start and words[run.start - 1] in which}


def asks_nothing_else(rest: str) -> bool:
    """Return whether what is left beside a name only asks for that account: « passons à », ``what about``."""
    return all(word in _CHOOSING or word in SMALL or word in POLITE for word in _words(rest))


def _words(text: str) -> list[str]:
    return [folded(word) for word in _WORD.findall(plain_text(text))]


def _spans(plain: str) -> Iterator[tuple[int, int]]:
    """Return the place of each word that is not within an address."""
    within = [match.span() for match in _ADDRESS.finditer(plain)]
    for match in _WORD.finditer(plain):
        if not any(start <= match.start() < end for start, end in within):
            yield match.span()


def _corrected(words: list[str], names: Sequence[str], own: Collection[str]) -> list[str]:
    """Return the words of a text with a typing error in a long word of a name corrected."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    every = {word for name in names for word in _words(name)}
    long = sorted(word for word in every - set(own) if len(word) >= _LEAST_WITH_ERROR)

    def corrected(word: str) -> str:
        if len(word) < _LEAST_WITH_ERROR or word in every or word in own:
            return word
        found = process.extractOne(word, long, scorer=OSA.distance, score_cutoff=1)
        return found[0] if found and found[0][0] == word[0] else word

    return [corrected(word) for word in words]


def _core(name: str) -> list[str]:
    """Return the words of a name without its legal form."""
    return [word for word in _words(name) if word not in _LEGAL_FORMS]


def _runs(
    account: int, words: Sequence[str], name: str, cores: Sequence[Sequence[str]], own: Collection[str]
) -> Iterator[_Run]:
    """Return where a text names an account: each time as many words as are in its name."""
    every, core = set(_words(name)), cores[account]
    naming = {
        word
        for word in core
        if len(word) >= _LEAST
        and word.isalpha()
        and word not in own
        and (word not in _GENERIC or sum(word in each for each in cores) == 1)
    }
    joined = {first + second for first, second in pairwise(core)}
    naming |= {word for word in joined if len(word) >= _LEAST_WITH_ERROR and word not in own}
    every |= naming
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and words[end] in every:
            end += 1
        run = words[start:end]
        is_whole = len(core) > 1 and any(run[at : at + len(core)] == core for at in range(len(run)))
        if is_whole or not naming.isdisjoint(run):
            yield _Run(account, start, end, frozenset(core if is_whole else naming.intersection(run)), is_whole)
        start = max(end, start + 1)


def _longest(runs: Sequence[_Run]) -> set[int]:
    """Return the accounts of which no other account's name has more of the same words, or fits as a whole."""
    found: dict[int, set[str]] = {}
    for run in runs:
        found.setdefault(run.account, set()).update(run.naming)
    whole = {run.account for run in runs if run.is_whole_name}

    def is_shorter(account: int, other: int) -> bool:
        if found[account] == found[other]:
            return other in whole and account not in whole
        return found[account] < found[other]

    return {account for account in found if not any(is_shorter(account, other) for other in found)}


def _without(plain: str, spans: Sequence[tuple[int, int]], left_out: Collection[int]) -> str:
    """Return the text without some of its words, and without what belongs to these."""
    kept, at = [], 0
    for position, (start, end) in enumerate(spans):
        if position in left_out:
            kept.append(plain[at:start])
            after = _AFTER_NAME.match(plain, end)
            at = after.end() if after else end
    return " ".join("".join([*kept, plain[at:]]).split())
