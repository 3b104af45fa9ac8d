"""The list of invoices as both Python peers of ``benches.same_work`` send it: text and buttons, with CLDR's formats."""

import datetime
from decimal import Decimal
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency

LOCALES = {"fr": "fr_CA", "en": "en_CA"}
ZONE = ZoneInfo("America/Toronto")
TEXTS = {
    "fr": {
        "title": "Factures · {account}", "range": "{first} à {last} de {total}", "number": "nº\xa0{number}",
        "paid": "payée", "due": "due le {date}", "overdue": "échue le {date}", "unpaid": "À payer",
        "search": "Rechercher", "orders": "Commandes", "statement": "Relevé · tout recevoir",
    },
    "en": {
        "title": "Invoices · {account}", "range": "{first} to {last} of {total}", "number": "no.\xa0{number}",
        "paid": "paid", "due": "due {date}", "overdue": "overdue, was due {date}", "unpaid": "To pay",
        "search": "Search", "orders": "Orders", "statement": "Statement · take everything",
    },
}  # fmt: skip


def list_text(page: dict[str, Any], account: str, language: str) -> str:
    """Return the list as HTML, for one page as the portal gives it."""
    texts, locale = TEXTS[language], LOCALES[language]
    first = (page["page"] - 1) * page["page_size"] + 1
    last = first + len(page["items"]) - 1
    lines = [
        f"<b>{escape(texts['title'].format(account=account))}</b>",
        texts["range"].format(first=first, last=last, total=page["total"]),
    ]
    for invoice in page["items"]:
        date = format_date(datetime.date.fromisoformat(invoice["date"]), "short", locale=locale)
        amount = format_currency(Decimal(invoice["amount"]), invoice["currency"], locale=locale)
        number = texts["number"].format(number=escape(invoice["number"]))
        lines += ["", f"{date} · {number} · {amount}", _state(invoice, language)]
    return "\n".join(lines)


def list_buttons(page: dict[str, Any], link_id: int, language: str) -> list[list[tuple[str, str]]]:
    """Return the rows of the keyboard, each button as label and callback data."""
    texts, number = TEXTS[language], page["page"]
    pages = -(-page["total"] // page["page_size"])
    turning = [(f"{number}/{pages}", f"page|{link_id}|{number}")]
    if number > 1:
        turning.insert(0, ("‹", f"page|{link_id}|{number - 1}"))
    if number < pages:
        turning.append(("›", f"page|{link_id}|{number + 1}"))
    return [
        [(invoice["number"], f"invoice|{link_id}|{invoice['number']}") for invoice in page["items"]],
        turning,
        [(texts["unpaid"], f"unpaid|{link_id}"), (texts["search"], f"search|{link_id}")],
        [(texts["orders"], f"orders|{link_id}")],
        [(texts["statement"], f"statement|{link_id}")],
    ]


def _state(invoice: dict[str, Any], language: str) -> str:
    if Decimal(invoice["balance"]) == 0:
        return TEXTS[language]["paid"]
    due = datetime.date.fromisoformat(invoice["due_date"])
    text = TEXTS[language]["overdue" if due < datetime.datetime.now(ZONE).date() else "due"]
    return text.format(date=format_skeleton("MMMMd", due, locale=LOCALES[language]))
