"""Reads the company's own catalogues, and names everything in them that the bot could not use.

A folder has a file for each language, named by its CLDR locale. ``fr_CA.po`` and ``en_CA.po`` have the messages that
replace shipped ones; ``es_MX.po`` has a whole language.
"""

import re
import string
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po
from msgspec import Struct

from texts.catalogue import base_of, compiled, key_of, shipped_catalogue
from texts.language import Language

_NAME = re.compile(r"[a-z]{2}(?:_[A-Z]{2})?")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#\d+|#x[0-9A-Fa-f]+|[A-Za-z]+);")
_LINE = re.compile(r'(?:#.*|(?:(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)\s*)?"(?:[^"\\]|\\.)*")?')
"""A line of a catalogue. Babel's reader leaves out what it does not understand."""
_ID = re.compile(r'msgid\s*"(.+)"')
_PLAIN_VALUE = re.compile(r"[a-z_]+")
_LIMITS = (
    ("command.", 256, "a command’s description"),
    ("bot.description", 512, "the bot’s description"),
    ("bot.short_description", 120, "the bot’s short description"),
    ("pdf.just_sent", 200, "the answer to a tap"),
    ("inline.", 64, "a button of inline mode"),
    ("button.", 60, "a button"),
    ("", 2000, "a part of a message"),
)
"""The most characters by the beginning of the message id. Telegram's limits (Bot API 10.3: BotCommand,
setMyDescription, setMyShortDescription, answerCallbackQuery), the renderer's, and half a message for the rest."""


class TextsError(Exception):
    """The company's texts cannot be used. The message has one line for each problem."""


class CompanyTexts(Struct, frozen=True):
    """The catalogues of the company by locale.

    Args:
        missing: By locale, the ids that an added language lacks, in the order of the shipped catalogues.
    """

    catalogues: Mapping[str, Catalog]
    missing: Mapping[str, tuple[str, ...]]


def read_company_texts(folder: Path, company: str, features_off: Collection[str] = ()) -> CompanyTexts:
    """Read and check the ``.po`` files of a folder; other files are not read.

    Args:
        company: The company's name, which counts where a text has a limited length.
        features_off: Features that are switched off; an added language needs their variants of messages only then.

    Raises:
        TextsError: A file or message cannot be used.
    """
    try:
        paths = sorted(folder.glob("*.po"))
        is_folder = folder.is_dir()
    except OSError as error:
        raise TextsError(f"{folder} cannot be read ({type(error).__name__})") from None
    if not is_folder:
        raise TextsError(f"there is no folder {folder}")
    if not paths:
        raise TextsError(f"{folder} has no catalogue such as fr_CA.po or es_MX.po")
    shipped = {key_of(message): message for message in shipped_catalogue(Language.FR) if message.id}
    catalogues: dict[str, Catalog] = {}
    problems: list[str] = []
    for path in paths:
        try:
            catalogue = _read(path, catalogues)
        except TextsError as error:
            problems.append(f"{path.name}: {error}")
            continue
        catalogues[path.stem] = catalogue
        problems += [
            f"{path.name}: {key_of(message)}: {problem}"
            for message in catalogue
            if message.id
            for problem in _problems(message, shipped, catalogue.num_plurals, company)
        ]
    if problems:
        raise TextsError("\n".join(problems))
    needed = [key for key in shipped if key == base_of(key) or key.rpartition("_")[2] in features_off]
    added = catalogues.keys() - {language.locale for language in Language}
    missing = {locale: tuple(key for key in needed if not _has(catalogues[locale], key)) for locale in sorted(added)}
    return CompanyTexts(catalogues, missing)


def _read(path: Path, others: Mapping[str, Catalog]) -> Catalog:
    """Read one file. Raises ``TextsError`` without the file's name."""
    if not _NAME.fullmatch(path.stem):
        raise TextsError("expected a language of two letters and a country, such as es_MX.po")
    try:
        Locale.parse(path.stem)
    except (UnknownLocaleError, ValueError):
        raise TextsError("CLDR has no such language and country") from None
    code = path.stem.partition("_")[0]
    taken = [*(language.locale for language in Language), *others]
    same = next((locale for locale in taken if locale.partition("_")[0] == code and locale != path.stem), None)
    if same:
        raise TextsError(f"this language is in {same}.po")
    try:
        lines = path.read_text("utf-8").splitlines()
        if bad := next((number for number, line in enumerate(lines, 1) if not _LINE.fullmatch(line.strip())), 0):
            raise TextsError(f"line {bad} is not of the format of a catalogue")
        ids = [found[1] for line in lines if (found := _ID.fullmatch(line.strip()))]
        if twice := next((key for key in ids if ids.count(key) > 1), ""):
            raise TextsError(f"{twice}: it is in the file twice")
        with path.open("rb") as po:
            catalogue = read_po(po, locale=path.stem, abort_invalid=True)
        compiled(catalogue)
        return catalogue
    except (PoFileError, OSError, LookupError, ValueError) as error:
        raise TextsError(f"it cannot be read ({type(error).__name__})") from None


def _has(catalogue: Catalog, key: str) -> bool:
    message = catalogue.get(key)
    return message is not None and bool(message.string) and all(_forms(message)) and not message.fuzzy


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def _problems(message: Message, shipped: Mapping[str, Message], plurals: int, company: str) -> Iterator[str]:
    """Name what is wrong with a message. One without any text is not translated, and has no problem."""
    key, forms = key_of(message), _forms(message)
    if not any(forms):
        return
    known = shipped.get(key)
    if known is None:
        yield "no message has this id"
        return
    if message.context:
        yield "it has a msgctxt, and would not be used"
    if message.fuzzy:
        yield "it is marked as fuzzy, and would not be used"
    if message.pluralizable != known.pluralizable:
        yield "it needs msgid_plural and a form for each number" if known.pluralizable else "it has one form only"
        return
    if known.pluralizable and (len(forms) != plurals or not all(forms)):
        yield f"it has {sum(map(bool, forms))} plural forms, and this language {plurals}"
        return
    expected = set().union({"n"} if known.pluralizable else (), *(_values(form) for form in _forms(known)))
    for form in forms:
        yield from _problems_of_form(key, form, expected, company)


def _problems_of_form(key: str, form: str, expected: set[str], company: str) -> Iterator[str]:
    try:
        found = _values(form)
    except ValueError:
        yield "a brace is not closed or not opened, or the value in it is not a plain {name}"
        return
    if unknown := sorted(found - expected):
        yield f"it has no value {_named(unknown)}"
    if lacking := sorted(expected - found - {"n"}):
        yield f"it lacks {_named(lacking)}"
    if "\n" in form or "\r" in form:
        yield "it has a line break"
    if markup := _MARKUP.search(form):
        yield f"{markup[0]} is shown as it is written: no message has markup"
    limit, what = next((limit, what) for start, limit, what in _LIMITS if key.startswith(start))
    if (length := len(form.replace("{company}", company))) > limit:
        yield f"it has {length} characters, and {what} {limit} at most"


def _named(values: list[str]) -> str:
    return ", ".join(f"{{{value}}}" for value in values)


def _values(template: str) -> set[str]:
    """Return the names of the values in a message. Raises ``ValueError`` where one is anything but a ``{name}``."""
    names = set()
    for _, name, form, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not _PLAIN_VALUE.fullmatch(name) or form or conversion:
            raise ValueError(name)
        names.add(name)
    return names
