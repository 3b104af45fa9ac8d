"""The words of an invoice in both languages, and their date formats."""

from dataclasses import dataclass
from datetime import date

from sandbox.portal.data.money import NO_BREAK_SPACE, Language

_MONTHS: dict[Language, str] = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}


@dataclass(frozen=True)
class Words:
    invoice: str
    credit_note: str
    billed_to: str
    number: str
    day: str
    due: str
    order: str
    description: str
    quantity: str
    amount: str
    subtotal: str
    gst: str
    qst: str
    total: str
    paid: str
    paid_on: str
    credited: str
    balance: str
    registrations: str
    thanks: str
    page: str


_FRENCH = Words(
    invoice="Facture",
    credit_note="Note de crédit",
    billed_to="Facturé à",
    number="Numéro",
    day="Date",
    due="Échéance",
    order="Commande",
    description="Description",
    quantity="Quantité",
    amount="Montant",
    subtotal="Sous-total",
    gst="TPS (5 %)",
    qst="TVQ (9,975 %)",
    total="Total",
    paid="Montant payé",
    paid_on="Payée le {day}",
    credited="Montant appliqué",
    balance="Solde à payer",
    registrations="TPS : 00000 0000 RT0000    TVQ : 0000000000 TQ0000",
    thanks="Merci de votre confiance. Les montants sont en dollars canadiens.",
    page="Page {page} de {pages}",
)

_ENGLISH = Words(
    invoice="Invoice",
    credit_note="Credit note",
    billed_to="Billed to",
    number="Number",
    day="Date",
    due="Due date",
    order="Order",
    description="Description",
    quantity="Quantity",
    amount="Amount",
    subtotal="Subtotal",
    gst="GST (5%)",
    qst="QST (9.975%)",
    total="Total",
    paid="Amount paid",
    paid_on="Paid on {day}",
    credited="Amount applied",
    balance="Balance due",
    registrations="GST: 00000 0000 RT0000    QST: 0000000000 TQ0000",
    thanks="Thank you for your business. Amounts are in Canadian dollars.",
    page="Page {page} of {pages}",
)


def words_in(language: Language) -> Words:
    return _FRENCH if language == "fr" else _ENGLISH


def long_date(day: date, language: Language) -> str:
    """Format a date: 28 septembre 2020, 1er octobre 2020; September 28, 2020."""
    month = _MONTHS[language].split()[day.month - 1]
    if language == "fr":
        number = "1er" if day.day == 1 else str(day.day)
        return f"{number} {month} {day.year}"
    return f"{month} {day.day}, {day.year}"


def quantity_text(quantity: int | float | None, language: Language) -> str:
    """Format a quantity: `34`, `2,5` or `2.5`; empty for None."""
    if quantity is None:
        return ""
    text = f"{quantity:g}"
    return text.replace(".", ",") if language == "fr" else text


def with_no_break_spaces(text: str) -> str:
    """Put no-break spaces before colons and percent signs, as French typography requires."""
    return text.replace(" :", NO_BREAK_SPACE + ":").replace(" %", NO_BREAK_SPACE + "%")
