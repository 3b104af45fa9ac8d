"""Writes the mails to contacts; ``copy_letters`` has those to bookkeepers. Each contains both languages.

Each ends with who sends it, the postal address and a contact, as Canada's Anti-Spam Legislation asks (S.C. 2010, c. 23,
s. 6(2); SOR/2012-36).

Arguments of several functions: ``language`` is the reader's, ``minutes`` the lifetime of a code, ``account`` an
account's name.
"""

from collections.abc import Callable

from mail.mailer import Letter, LetterKind
from services.company import Company
from texts.catalogue import Texts, bilingual_texts
from texts.escaping import escape_html, safe_company_name, safe_person_name
from texts.language import Language

_STYLE = "font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#1c1c1e;max-width:34em"
_SIGNATURE_STYLE = "font-size:14px;color:#57575c;margin:6px 0"
_CODE_STYLE = "font-size:30px;font-weight:bold;letter-spacing:6px;white-space:nowrap;margin:12px 0"


def code_letter(to: str, language: Language, *, code: str, first_name: str, company: Company, minutes: int) -> Letter:
    """Write the mail with a code for linking.

    It shows the requesting person's first name in Telegram, and says what to do if the reader does not know them.
    """
    name = safe_person_name(first_name)

    def body(t: Texts) -> list[str]:
        intro = (
            t("letter.code.asked", name=name, company=company.name)
            if name
            else t("letter.code.asked_unnamed", company=company.name)
        )
        return [intro, code, _validity(t, minutes), t("letter.code.not_you", company=company.name)]

    return bilingual_letter(
        to, language, lambda t: t("letter.code.subject", company=company.name), body, company, code=code
    )


def linked_letter(to: str, language: Language, *, first_name: str, company: Company) -> Letter:
    """Write the mail that informs a contact of a newly linked chat."""
    name = safe_person_name(first_name)

    def body(t: Texts) -> list[str]:
        intro = (
            t("letter.linked.told", name=name, company=company.name)
            if name
            else t("letter.linked.told_unnamed", company=company.name)
        )
        undo = t("letter.linked.undo", company=company.name)
        if company.support:
            undo = t("letter.linked.undo_support", support=company.support)
        return [intro, t("letter.linked.yours"), undo]

    return bilingual_letter(to, language, lambda t: t("letter.linked.subject", company=company.name), body, company)


def unusual_requests_letter(to: str, language: Language, *, company: Company) -> Letter:
    """Write the warning that unlinked chats requested codes for this address, or typed wrong ones."""

    def body(t: Texts) -> list[str]:
        return [
            t("letter.unusual.told", company=company.name),
            t("letter.unusual.what_to_do", company=company.name),
            t("letter.unusual.once_a_day"),
        ]

    return bilingual_letter(to, language, lambda t: t("letter.unusual.subject", company=company.name), body, company)


def revoked_letter(to: str, language: Language, *, company: Company) -> Letter:
    """Write the mail that informs a contact that one linked chat removed another one."""

    def body(t: Texts) -> list[str]:
        return [
            t("letter.revoked.told", company=company.name),
            t("letter.linked.yours"),
            t("letter.revoked.not_you"),
        ]

    return bilingual_letter(to, language, lambda t: t("letter.revoked.subject", company=company.name), body, company)


def revoke_code_letter(to: str, language: Language, *, code: str, company: Company, minutes: int) -> Letter:
    """Write the mail with the code that confirms the removal of an older chat."""

    def body(t: Texts) -> list[str]:
        not_you = t("letter.revoke_code.not_you", company=company.name)
        return [t("letter.revoke_code.asked", company=company.name), code, _validity(t, minutes), not_you]

    return bilingual_letter(
        to, language, lambda t: t("letter.revoke_code.subject", company=company.name), body, company, code=code
    )


def copy_changed_letter(to: str, language: Language, *, account: str, company: Company, stopped: bool) -> Letter:
    """Write the mail that informs a contact that a bookkeeper's copy was set up or stopped, without their name."""
    name = shown_account_name(account)

    def body(t: Texts) -> list[str]:
        intro = (
            t("letter.copy_changed.stopped", account=name) if stopped else t("letter.copy_changed.set", account=name)
        )
        return [intro, t("letter.linked.yours"), t("letter.copy_changed.not_you")]

    def subject(t: Texts) -> str:
        if stopped:
            return t("letter.copy_changed.subject_stopped", company=company.name)
        return t("letter.copy_changed.subject_set", company=company.name)

    return bilingual_letter(to, language, subject, body, company)


def shown_account_name(name: str) -> str:
    """Return an account's name without links: customers may choose it, and third persons trust the company's mails."""
    return safe_company_name(name) or "—"


def _validity(t: Texts, minutes: int) -> str:
    """Say how long a code is valid, in hours if these are whole."""
    if minutes % 60:
        return t.plural("letter.code.validity", minutes)
    return t.plural("letter.copy_code.validity", minutes // 60)


def _signature(t: Texts, company: Company) -> list[str]:
    """Return the last lines of every mail: how to reach a person, who sends it, and from which postal address."""
    contact = t("letter.human", company=company.name)
    if company.contact:
        contact = t("letter.human_support", support=company.contact)
    return [contact, f"{company.name}, {company.postal_address}" if company.postal_address else company.name]


def bilingual_letter(
    to: str,
    language: Language,
    subject: Callable[[Texts], str],
    body: Callable[[Texts], list[str]],
    company: Company,
    *,
    code: str = "",
    link: str = "",
) -> Letter:
    """Make a bilingual letter.

    Args:
        body: Returns the paragraphs in one language.
        company: Signs the letter.
        code: The paragraph in large type: a code. Empty for none.
        link: A URL in the paragraphs that the HTML part makes a link. Empty for none.
    """
    texts = bilingual_texts(language)
    bodies, signatures = [body(t) for t in texts], [_signature(t, company) for t in texts]
    sections = [[*lines, *signature] for lines, signature in zip(bodies, signatures, strict=True)]
    text = "\n\n———\n\n".join("\n\n".join(lines) for lines in sections) + "\n"
    html = '<hr style="border:0;border-top:1px solid #d1d1d6;margin:28px 0">'.join(
        f'<div lang="{t.language.locale.replace("_", "-")}">'
        + "".join(_paragraph(line, _CODE_STYLE if line == code else "", link) for line in lines)
        + "".join(_paragraph(line, _SIGNATURE_STYLE, link) for line in signature)
        + "</div>"
        for t, lines, signature in zip(texts, bodies, signatures, strict=True)
    )
    page = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><body style="{_STYLE}">{html}</body></html>'
    kind = LetterKind.CODE if code else LetterKind.ALERT
    return Letter(to=to, subject=subject(texts[0]), text=text, html=page, language=language, kind=kind)


def _paragraph(line: str, style: str, link: str) -> str:
    attribute = f' style="{style}"' if style else ""
    words, url = escape_html(line), escape_html(link)
    if link:
        words = words.replace(url, f'<a href="{url}" style="overflow-wrap:anywhere">{url}</a>')
    return f"<p{attribute}>{words}</p>"
