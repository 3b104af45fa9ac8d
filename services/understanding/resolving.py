"""Resolve the candidates of a text in the light of what the chat awaits."""

import re
from dataclasses import dataclass, field

from msgspec import Struct

from services.understanding import commands
from services.understanding.addresses import addresses_in, email_in, spoken_email_in
from services.understanding.code_sentences import speaks_of_else
from services.understanding.codes import Codes, codes_in
from services.understanding.commands import Commands
from services.understanding.normalising import folded, plain_text
from services.understanding.numbers import NumberText, number_in
from services.understanding.payloads import InvitationOpened, PaperOpened, read_payload
from services.understanding.words import (
    answers_yes_or_no,
    asks_about_bot,
    asks_again,
    asks_other_address,
    greets,
    is_emoji,
    leaves,
    points_at_list,
    thanks,
)
from storage.tables import Awaited
from texts.escaping import strip_controls

MAX_SEARCH_LENGTH = 100
_LONGEST = 2_000
"""Characters in which a code or an address is looked for: a whole mail may be pasted."""
_LEAST_ARGUMENT = 3
"""Characters of the shortest number after a command: ``/factures 2`` lists invoices."""
_START = "start"
_LONGEST_PAYLOAD = 40
"""Characters of the longest payload that is looked up; a longer one may be a secret of a later version."""
_NOUN_AND_NUMBER = re.compile(r"^([a-z]{3,})[ -](?=\S*\d)", re.IGNORECASE)
_LINKING = frozenset({"lier", "link"})
SEARCH_COMMANDS = frozenset({"recherche", "rechercher", "chercher", "cherche", "search", "find", "trouver"})
CODES = frozenset({Awaited.CODE, Awaited.COPY_CODE, Awaited.REVOKE_CODE})
SEARCHES = frozenset({Awaited.ORDER_SEARCH, Awaited.INVOICE_SEARCH})
_ADDRESSES = frozenset({Awaited.EMAIL, Awaited.COPY_EMAIL})


class CommandNamed(Struct, frozen=True):
    """A command, by its own name."""

    name: str


class UnknownCommand(Struct, frozen=True):
    """A word after a slash that is no command; ``nearest`` is the name of the command most like it."""

    word: str
    nearest: str | None


class Leave(Struct, frozen=True):
    """The person leaves the question."""


class PointsAtList(Struct, frozen=True):
    """The text points at a list on the screen; ``page suivante``, ``the second one``."""


class YesOrNo(Struct, frozen=True):
    """The person answers yes or no, where nothing is awaited."""


class Greeting(Struct, frozen=True):
    """The person greets, or thanks, or sends an emoji: nothing is asked for."""

    is_thanks: bool = False


class AboutBot(Struct, frozen=True):
    """The person asks who or what answers here, or scolds it."""


class AnotherCode(Struct, frozen=True):
    """A code is awaited, and the person asks for another one."""


class AnotherAddress(Struct, frozen=True):
    """A code is awaited, and the person says that the address was the wrong one."""


@dataclass(frozen=True, slots=True)
class CodeTyped:
    """The awaited code; ``number`` if the text may as well be a number."""

    code: str = field(repr=False)
    long_code: str = field(repr=False)
    number: NumberText | None = None


class SeveralCodes(Struct, frozen=True):
    """Several different codes, while one is awaited."""


class NoCode(Struct, frozen=True):
    """A code is awaited, and the text is none."""


@dataclass(frozen=True, slots=True)
class AddressTyped:
    """An address in normal form, which is awaited; ``is_for_linking`` if it came with the command."""

    email: str = field(repr=False)
    is_for_linking: bool = False


@dataclass(frozen=True, slots=True)
class UnaskedAddress:
    """An address in normal form, which is not awaited."""

    email: str = field(repr=False)


class BadAddress(Struct, frozen=True):
    """An address is awaited, and the text is none; ``count`` is the number of its words with an ``@``."""

    count: int = 0


class SearchTyped(Struct, frozen=True):
    """The words to search for."""

    query: str


@dataclass(frozen=True, slots=True)
class NumberTyped:
    """What may be a number; ``code`` is what was awaited and may be meant, short or long, or empty."""

    number: NumberText
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """None of these. ``codes`` has the codes, which nobody awaits."""

    codes: Codes = field(default_factory=Codes, repr=False)


Meaning = (
    CommandNamed | UnknownCommand | Leave | YesOrNo | PointsAtList | Greeting | AboutBot | CodeTyped | SeveralCodes
    | NoCode | AnotherCode | AnotherAddress | AddressTyped | UnaskedAddress | BadAddress | SearchTyped | NumberTyped
    | NotUnderstood | InvitationOpened | PaperOpened
)  # fmt: skip


def understand(text: str, awaited: Awaited | None, names: Commands, *, is_linked: bool) -> Meaning:
    """Return what a text means in a chat.

    Args:
        awaited: What the chat awaits, or None.
        names: The commands, see ``Commands``.
        is_linked: The chat is linked, so that numbers can be looked up.
    """
    command = commands.slashed(text)
    if command is not None and command[0].isdigit():
        text, command = text.strip().lstrip("/\\"), None  # a number or a code behind a slash
    if command is not None:
        return _slashed(*command, names, is_linked=is_linked)
    if awaited is None and is_linked and answers_yes_or_no(text):
        return YesOrNo()
    if awaited is None and is_linked and points_at_list(text):
        return PointsAtList()
    if leaves(text):
        return Leave()
    if awaited in SEARCHES:
        query = strip_controls(text)[:MAX_SEARCH_LENGTH]
        return SearchTyped(query) if query else NotUnderstood()
    text = text[:_LONGEST]
    codes, number = codes_in(text) if awaited in CODES or not is_linked else Codes(), number_in(text)
    if awaited in CODES and (meaning := _code(codes, number, is_linked=is_linked, is_sentence=speaks_of_else(text))):
        return meaning
    if (meaning := _address(text, awaited, is_linked=is_linked)) is not None:
        return meaning
    if awaited is Awaited.CODE and asks_again(text):
        return AnotherCode()
    if awaited is Awaited.CODE and asks_other_address(text):
        return AnotherAddress()
    if (name := commands.whole_text_command(text, names)) and not (number and number.is_named and number.has_digit):
        return CommandNamed(name)
    if awaited is None and (greets(text) or is_emoji(text)):
        return Greeting(is_thanks=thanks(text))
    if awaited is None and asks_about_bot(text):
        return AboutBot()
    if is_linked and number and (number.has_digit or awaited is None):
        return NumberTyped(number)
    if awaited in CODES:
        return NoCode()
    return BadAddress() if awaited in _ADDRESSES else NotUnderstood(codes)


def _slashed(word: str, rest: str, names: Commands, *, is_linked: bool) -> Meaning:
    """Return what a text with a slash before it means: ``/facture 212380`` opens the number."""
    if word == _START and rest:
        return _payload(rest, names, is_linked=is_linked)
    name = commands.named(word, names)
    if name is not None and not rest:
        return CommandNamed(name)
    if word in SEARCH_COMMANDS and is_linked and len(rest.split()) == 1 and (searched := number_in(rest)):
        return NumberTyped(searched)  # also what is a word of ours: ``/recherche MENU``
    name = name or commands.whole_text_command(f"{word} {rest}", names)
    if name is None and leaves(f"{word} {rest}"):
        return Leave()
    noun_and_number = number_in(f"{word} {rest}")
    argument = noun_and_number.text if noun_and_number else ""
    if is_linked and noun_and_number and noun_and_number.has_digit and len(argument) >= _LEAST_ARGUMENT:
        is_by_command = noun_and_number.part is not None and name is not None
        if is_by_command or name is None:
            return NumberTyped(noun_and_number)
    if name in _LINKING and (email := email_in(rest, may_be_local=True)) is not None:
        return AddressTyped(email, is_for_linking=True)
    if name is not None:
        return CommandNamed(name)
    if word in SEARCH_COMMANDS and is_linked and (searched := number_in(rest)):
        return NumberTyped(searched)
    return UnknownCommand(word, commands.nearest(word, names))


def _payload(payload: str, names: Commands, *, is_linked: bool) -> Meaning:
    """Return what the payload of a link ``t.me/…?start=`` means; ``facture-212380`` is read as ``f-212380`` is."""
    if (found_link := read_payload(payload)) is not None:
        return found_link
    words = payload.replace("_", " ") if len(payload) <= _LONGEST_PAYLOAD else ""
    if name := commands.named(folded(words), names):
        return CommandNamed(name)
    found = number_in(_NOUN_AND_NUMBER.sub(r"\1 ", words))
    if is_linked and found and found.has_digit and len(found.text) >= _LEAST_ARGUMENT:
        return NumberTyped(found)
    return CommandNamed(_START)


def _code(codes: Codes, number: NumberText | None, *, is_linked: bool, is_sentence: bool) -> Meaning | None:
    """Return what codes mean while one is awaited; None if the text has none."""
    if not codes and not codes.is_ambiguous:
        return None
    if is_sentence:  # "facture 212380", "I paid 250117 last week": not compared, so that it costs no attempt
        is_number = is_linked and number is not None and number.has_digit
        return NumberTyped(number, codes.short or codes.long) if number is not None and is_number else NoCode()
    if not codes:
        return SeveralCodes()
    may_be_number = is_linked and number is not None and not codes.is_named
    if may_be_number and number is not None and number.is_named:
        return NumberTyped(number, codes.short or codes.long)
    return CodeTyped(codes.short, codes.long, number if may_be_number else None)


def _address(text: str, awaited: Awaited | None, *, is_linked: bool) -> Meaning | None:
    """Return what an address means; None if the text has none and may mean something else."""
    is_awaited = awaited in (Awaited.EMAIL, Awaited.COPY_EMAIL, Awaited.CODE) or (not is_linked and awaited is None)
    email = email_in(text)
    if email:
        return AddressTyped(email) if is_awaited else UnaskedAddress(email)
    if is_awaited and ("@" in text or awaited in _ADDRESSES) and (spoken := spoken_email_in(text)):
        return AddressTyped(spoken)
    if is_awaited and (local := email_in(text, may_be_local=True)):
        return AddressTyped(local)
    if awaited in _ADDRESSES and (found := addresses_in(plain_text(text))):
        return BadAddress(len(set(found)))
    return None
