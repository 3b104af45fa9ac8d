"""The company's own texts (``ODOBOT_TEXTS``): read, checked and put in use at the start."""

from pathlib import Path

from bot.environment.company_settings import CompanySettings
from services.features import switched_off
from texts.catalogue import texts_in, use_texts
from texts.company import CompanyTexts, TextsError, read_company_texts
from texts.language import Language

_SETTING = "ODOBOT_TEXTS"


def use_company_texts(settings: CompanySettings) -> list[str]:
    """Put the company's texts in use for the whole process, or the shipped ones where the setting is empty.

    Returns:
        One line for each added language that lacks messages.

    Raises:
        TextsError: A file or message cannot be used. The message has one line for each, which names the setting.
    """
    try:
        folder = Path(settings.texts)
        off = [feature.value for feature in switched_off(settings.features_on)]
        own = read_company_texts(folder, settings.company, off) if settings.texts else CompanyTexts({}, {})
    except TextsError as error:
        raise TextsError("\n".join(f"{_SETTING}: {line}" for line in str(error).split("\n"))) from None
    use_texts(own.catalogues, settings.default_language, off)
    if settings.default_language not in [language.value for language in Language.offered()]:
        raise TextsError(f"ODOBOT_DEFAULT_LANGUAGE: {_SETTING} has no catalogue of {settings.default_language}")
    return [_incomplete(locale, missing) for locale, missing in own.missing.items() if missing]


def _incomplete(locale: str, missing: tuple[str, ...]) -> str:
    shown_in = texts_in(Language.of_client(locale, Language.FR).shipped)("language.name")
    return f"{locale}.po lacks {len(missing)} messages, shown in {shown_in}: {', '.join(missing)}"
