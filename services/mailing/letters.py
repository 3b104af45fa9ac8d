"""Writes the mails. Each one contains both languages, the reader's first.

Arguments of several functions: ``language`` is the reader's, ``company`` the company's name, ``support`` its support
contact or empty, ``minutes`` the lifetime of a code, ``account`` an account's name.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from mail.mailer import Attachment, Letter, LetterKind
from texts.catalogue import Texts, bilingual_texts, message_id
from texts.escaping import escape_html, safe_company_name, safe_person_name
from texts.language import Language

_STYLE = "font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#1c1c1e;max-width:34em"
_CODE_STYLE = "font-size:30px;font-weight:bold;letter-spacing:6px;white-space:nowrap;margin:12px 0"


def code_letter(to: str, language: Language, *, code: str, first_name: str, company: str, minutes: int) -> Letter:
    """Write the mail with a code for linking.

    It shows the requesting person's first name in Telegram, and says what to do if the reader does not know them.
    """
    name = safe_person_name(first_name)

    def body(t: Texts) -> list[str]:
        intro = (
            t("letter.code.asked", name=name, company=company)
            if name
            else t("letter.code.asked_unnamed", company=company)
        )
        return [intro, code, _validity(t, minutes), t("letter.code.not_you", company=company)]

    return _bilingual_letter(to, language, lambda t: t("letter.code.subject", company=company), body, code=code)


def linked_letter(to: str, language: Language, *, first_name: str, company: str, support: str) -> Letter:
    """Write the mail that informs a contact of a newly linked chat."""
    name = safe_person_name(first_name)

    def body(t: Texts) -> list[str]:
        intro = (
            t("letter.linked.told", name=name, company=company)
            if name
            else t("letter.linked.told_unnamed", company=company)
        )
        undo = t("letter.linked.undo_support", support=support) if support else t("letter.linked.undo", company=company)
        return [intro, t("letter.linked.yours"), undo]

    return _bilingual_letter(to, language, lambda t: t("letter.linked.subject", company=company), body)


def unusual_requests_letter(to: str, language: Language, *, company: str, support: str) -> Letter:
    """Write the warning that unlinked chats requested codes for this address, or typed wrong ones."""

    def body(t: Texts) -> list[str]:
        return [
            t("letter.unusual.told", company=company),
            t("letter.unusual.what_to_do", company=company),
            t("letter.unusual.once_a_day"),
            _contact_line(t, company, support),
        ]

    return _bilingual_letter(to, language, lambda t: t("letter.unusual.subject", company=company), body)


def revoked_letter(to: str, language: Language, *, company: str, support: str) -> Letter:
    """Write the mail that informs a contact that one linked chat removed another one."""

    def body(t: Texts) -> list[str]:
        return [
            t("letter.revoked.told", company=company),
            t("letter.linked.yours"),
            t("letter.revoked.not_you"),
            _contact_line(t, company, support),
        ]

    return _bilingual_letter(to, language, lambda t: t("letter.revoked.subject", company=company), body)


def revoke_code_letter(to: str, language: Language, *, code: str, company: str, minutes: int) -> Letter:
    """Write the mail with the code that confirms the removal of an older chat."""

    def body(t: Texts) -> list[str]:
        not_you = t("letter.revoke_code.not_you", company=company)
        return [t("letter.revoke_code.asked", company=company), code, _validity(t, minutes), not_you]

    return _bilingual_letter(to, language, lambda t: t("letter.revoke_code.subject", company=company), body, code=code)


def copy_code_letter(to: str, language: Language, *, code: str, account: str, company: str, hours: int) -> Letter:
    """Write the mail with a code to a bookkeeper, who passes it on to the person setting up the copies."""
    name = _account_name(account)

    def body(t: Texts) -> list[str]:
        intro = t("letter.copy_code.asked", account=name, company=company)
        return [intro, code, t.plural("letter.copy_code.validity", hours), t("letter.copy_code.not_you")]

    return _bilingual_letter(to, language, lambda t: t("letter.copy_code.subject", company=company), body, code=code)


def copy_changed_letter(
    to: str, language: Language, *, account: str, company: str, support: str, stopped: bool
) -> Letter:
    """Write the mail that informs a contact that a bookkeeper's copy was set up or stopped, without their name."""
    name = _account_name(account)

    def body(t: Texts) -> list[str]:
        intro = (
            t("letter.copy_changed.stopped", account=name) if stopped else t("letter.copy_changed.set", account=name)
        )
        return [intro, t("letter.linked.yours"), t("letter.copy_changed.not_you"), _contact_line(t, company, support)]

    def subject(t: Texts) -> str:
        if stopped:
            return t("letter.copy_changed.subject_stopped", company=company)
        return t("letter.copy_changed.subject_set", company=company)

    return _bilingual_letter(to, language, subject, body)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """How a reader unsubscribes: a URL for a POST request (RFC 8058), or a ``mailto:`` URL. One of them is empty."""

    url: str = ""
    mailto: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers from which mail clients make an unsubscribe button (RFC 2369, RFC 8058)."""
        if self.url:
            one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
            return {"List-Unsubscribe": f"<{self.url}>"} | one_click
        return {"List-Unsubscribe": f"<{self.mailto}>"}


class MissingPdf(StrEnum):
    """Why a bookkeeper's mail has no PDF."""

    TOO_LARGE = "pdf too large"
    NOT_MADE = "pdf not made"


def invoice_letter(
    to: str, language: Language, *, number: str, facts: Callable[[Texts], list[str]], pdf: Attachment | MissingPdf,
    company: str, account: str, unsubscribe: Unsubscribe, portal_page: str = "", is_repetition: bool = False,
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
    name, keys = _account_name(account), (message_id("letter.copy.subject"), message_id("letter.copy.told"))
    if is_credit_note:
        keys = message_id("letter.copy.credit_subject"), message_id("letter.copy.credit_told")
    elif is_cancelled:
        keys = message_id("letter.copy.cancelled_subject"), message_id("letter.copy.cancelled_told")

    def body(t: Texts) -> list[str]:
        stop_mail = t("letter.copy.stop_mail", company=company)
        how = t("letter.copy.stop_link", url=unsubscribe.url) if unsubscribe.url else stop_mail
        lines = [t("letter.copy.repeated")] if is_repetition else []
        lines.append(t(keys[1], number=number, account=name, company=company))
        if isinstance(pdf, Attachment):
            return [*lines, t("letter.copy.attached"), *facts(t), how]
        lines.append(t("letter.copy.too_large") if pdf is MissingPdf.TOO_LARGE else t("letter.copy.not_made"))
        lines += facts(t)
        return [*lines, *([t("letter.copy.on_portal", url=portal_page)] if portal_page else []), how]

    def subject(t: Texts) -> str:
        return t(keys[0], number=number, company=company, account=name)

    letter = _bilingual_letter(to, language, subject, body)
    files = (pdf,) if isinstance(pdf, Attachment) else ()
    return replace(letter, attachments=files, headers=unsubscribe.headers, kind=LetterKind.COPY)


def _account_name(name: str) -> str:
    """Return an account's name without links: customers may choose it, and third persons trust the company's mails."""
    return safe_company_name(name) or "—"


def _validity(t: Texts, minutes: int) -> str:
    """Say how long a code is valid, in hours if these are whole."""
    if minutes % 60:
        return t.plural("letter.code.validity", minutes)
    return t.plural("letter.copy_code.validity", minutes // 60)


def _contact_line(t: Texts, company: str, support: str) -> str:
    """Return the line that says how to reach a person."""
    return t("letter.human_support", support=support) if support else t("letter.human", company=company)


def _bilingual_letter(
    to: str, language: Language, subject: Callable[[Texts], str], body: Callable[[Texts], list[str]], code: str = ""
) -> Letter:
    """Make a bilingual letter.

    Args:
        body: Returns the paragraphs in one language.
        code: The paragraph in large type: a code. Empty for none.
    """
    texts = bilingual_texts(language)
    bodies = [body(t) for t in texts]
    text = "\n\n———\n\n".join("\n\n".join(lines) for lines in bodies) + "\n"
    html = '<hr style="border:0;border-top:1px solid #d1d1d6;margin:28px 0">'.join(
        f'<div lang="{t.language.locale.replace("_", "-")}">{"".join(_paragraph(line, code) for line in lines)}</div>'
        for t, lines in zip(texts, bodies, strict=True)
    )
    page = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><body style="{_STYLE}">{html}</body></html>'
    kind = LetterKind.CODE if code else LetterKind.ALERT
    return Letter(to=to, subject=subject(texts[0]), text=text, html=page, language=language, kind=kind)


def _paragraph(line: str, code: str) -> str:
    style = f' style="{_CODE_STYLE}"' if line == code else ""
    return f"<p{style}>{escape_html(line)}</p>"
