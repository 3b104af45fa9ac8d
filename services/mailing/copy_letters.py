"""Writes the mails to bookkeepers: the code, the copies, and the confirmation of their end.

Arguments are as in ``services.mailing.letters``.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from msgspec import Struct

from mail.mailer import Attachment, Letter, LetterKind
from services.company import Company
from services.mailing.letters import bilingual_letter, shown_account_name
from texts.catalogue import Texts, message_id
from texts.escaping import is_masked_address, safe_person_name
from texts.language import Language


def copy_code_letter(
    to: str, language: Language, *, code: str, account: str, asked_by: str, company: Company, hours: int
) -> Letter:
    """Write the mail with a code to a bookkeeper, who passes it on to the person setting up the copies.

    It is the first mail to the address. It says who asked, what will come, how long the address is kept, who is in
    charge, how to stop the mails and how to have the address erased.

    Args:
        asked_by: The person's first name in Telegram, or their masked address (``texts.escaping.masked_address``).
    """
    name = shown_account_name(account)
    person, asked = safe_person_name(asked_by), message_id("letter.copy_code.asked_by")
    if is_masked_address(asked_by):
        person, asked = asked_by, message_id("letter.copy_code.asked_from")

    def body(t: Texts) -> list[str]:
        return [
            t(asked, name=person, account=name, company=company.name)
            if person
            else t("letter.copy_code.asked", account=name, company=company.name),
            code,
            t.plural("letter.copy_code.validity", hours),
            t("letter.copy_code.what"),
            t("letter.copy_code.kept", company=company.name),
            t("letter.copy_code.stop", contact=company.contact or company.name),
            t("letter.copy_code.not_you"),
        ]

    return bilingual_letter(
        to, language, lambda t: t("letter.copy_code.subject", company=company.name), body, company, code=code
    )


class Unsubscribe(Struct, frozen=True):
    """How a reader of copies unsubscribes; at least one of ``url`` and ``mailto`` is not empty.

    Args:
        url: A URL for a POST request (RFC 8058).
        mailto: A ``mailto:`` URL whose subject holds the token.
        reply_to: The address that reads replies, and stops the copies at a reply such as "STOP"; empty if none does.
        is_by_hand: Whether a person of the company has to act on a mail to ``mailto``.
    """

    url: str = ""
    mailto: str = ""
    reply_to: str = ""
    is_by_hand: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers from which mail clients make an unsubscribe button (RFC 2369, RFC 8058)."""
        headers = {"List-Unsubscribe": ", ".join(f"<{each}>" for each in (self.url, self.mailto) if each)}
        headers |= {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if self.url else {}
        return headers | ({"Reply-To": f"<{self.reply_to}>"} if self.reply_to else {})

    def lines(self, t: Texts, company: Company) -> list[str]:
        """Return the paragraphs that say how to unsubscribe."""
        if not self.url and self.is_by_hand:
            return [t("letter.copy.stop_mail", company=company.name)]
        how = t("letter.copy.stop_link", url=self.url) if self.url else t("letter.copy.stop_address", url=self.mailto)
        return [how, *([t("letter.copy.stop_reply")] if self.reply_to else [])]


def copies_stopped_letter(to: str, language: Language, *, company: Company) -> Letter:
    """Write the confirmation to a bookkeeper whose mail stopped the copies. It names no account: they know it."""

    def body(t: Texts) -> list[str]:
        return [t("letter.copies_stopped.done"), t("letter.copies_stopped.address")]

    return bilingual_letter(
        to, language, lambda t: t("letter.copies_stopped.subject", company=company.name), body, company
    )


class MissingPdf(StrEnum):
    """Why a bookkeeper's mail has no PDF."""

    TOO_LARGE = "pdf too large"
    NOT_MADE = "pdf not made"


def invoice_letter(
    to: str, language: Language, *, number: str, facts: Callable[[Texts], list[str]], pdf: Attachment | MissingPdf,
    company: Company, account: str, unsubscribe: Unsubscribe, portal_page: str = "", is_repetition: bool = False,
    is_credit_note: bool = False, is_cancelled: bool = False,
) -> Letter:  # fmt: skip
    """Write a bookkeeper's copy: payment lines, PDF, and how to unsubscribe.

    Args:
        facts: Returns the lines about the invoice in one language.
        pdf: The file, or why it is missing: the letter says so.
        portal_page: The URL of the invoice at the portal, which a letter without PDF shows; empty for none.
        is_repetition: Whether the reader may have received this mail before: its first sentence says so.
        is_credit_note: Whether it is a credit note, which the mail then names so.
        is_cancelled: Whether the invoice is cancelled, which the mail then says.
    """
    name, keys = shown_account_name(account), (message_id("letter.copy.subject"), message_id("letter.copy.told"))
    if is_credit_note:
        keys = message_id("letter.copy.credit_subject"), message_id("letter.copy.credit_told")
    elif is_cancelled:
        keys = message_id("letter.copy.cancelled_subject"), message_id("letter.copy.cancelled_told")

    def body(t: Texts) -> list[str]:
        how = unsubscribe.lines(t, company)
        lines = [t("letter.copy.repeated")] if is_repetition else []
        lines.append(t(keys[1], number=number, account=name, company=company.name))
        if isinstance(pdf, Attachment):
            return [*lines, t("letter.copy.attached"), *facts(t), *how]
        lines.append(t("letter.copy.too_large") if pdf is MissingPdf.TOO_LARGE else t("letter.copy.not_made"))
        lines += facts(t)
        return [*lines, *([t("letter.copy.on_portal", url=portal_page)] if portal_page else []), *how]

    def subject(t: Texts) -> str:
        return t(keys[0], number=number, company=company.name, account=name)

    link = unsubscribe.url or unsubscribe.mailto
    letter = bilingual_letter(to, language, subject, body, company, link=link)
    files = (pdf,) if isinstance(pdf, Attachment) else ()
    return replace(letter, attachments=files, headers=unsubscribe.headers, kind=LetterKind.COPY)
