"""The mails Odobot writes: both languages in one, the reader's first."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mail.mailer import Attachment, Letter
from texts.catalogue import Texts, both
from texts.escaping import company_name, markup, person_name
from texts.language import Language

_STYLE = "font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#1c1c1e;max-width:34em"
_CODE_STYLE = "font-size:30px;font-weight:bold;letter-spacing:6px;white-space:nowrap;margin:12px 0"


def code_letter(to: str, language: Language, *, code: str, first_name: str, company: str, minutes: int) -> Letter:
    """The mail with a code; it names who asks in Telegram, and says what to do if that is nobody one knows."""
    name = person_name(first_name)

    def part(t: Texts) -> list[str]:
        hello = (
            t("letter.code.asked", name=name, company=company)
            if name
            else t("letter.code.asked_unnamed", company=company)
        )
        return [hello, code, t.plural("letter.code.validity", minutes), t("letter.code.not_you", company=company)]

    return _letter(to, language, lambda t: t("letter.code.subject", company=company), part, strong=code)


def linked_letter(to: str, language: Language, *, first_name: str, company: str, support: str) -> Letter:
    """The mail that tells a contact of a newly linked chat."""
    name = person_name(first_name)

    def part(t: Texts) -> list[str]:
        told = (
            t("letter.linked.told", name=name, company=company)
            if name
            else t("letter.linked.told_unnamed", company=company)
        )
        undo = t("letter.linked.undo_support", support=support) if support else t("letter.linked.undo", company=company)
        return [told, t("letter.linked.yours"), undo]

    return _letter(to, language, lambda t: t("letter.linked.subject", company=company), part)


def unusual_requests_letter(to: str, language: Language, *, company: str, support: str) -> Letter:
    """Warn of codes that unlinked conversations asked for, or typed wrong, for this address; at most one mail a day."""

    def part(t: Texts) -> list[str]:
        return [
            t("letter.unusual.told", company=company),
            t("letter.unusual.what_to_do", company=company),
            t("letter.unusual.once_a_day"),
            _human(t, company, support),
        ]

    return _letter(to, language, lambda t: t("letter.unusual.subject", company=company), part)


def revoked_letter(to: str, language: Language, *, company: str, support: str) -> Letter:
    """Tell of a conversation, linked to this address, that another linked conversation disconnected."""

    def part(t: Texts) -> list[str]:
        return [
            t("letter.revoked.told", company=company),
            t("letter.linked.yours"),
            t("letter.revoked.not_you"),
            _human(t, company, support),
        ]

    return _letter(to, language, lambda t: t("letter.revoked.subject", company=company), part)


def revoke_code_letter(to: str, language: Language, *, code: str, company: str, minutes: int) -> Letter:
    """The mail with the code that confirms the disconnection of an older conversation."""

    def part(t: Texts) -> list[str]:
        validity = t.plural("letter.code.validity", minutes)
        not_you = t("letter.revoke_code.not_you", company=company)
        return [t("letter.revoke_code.asked", company=company), code, validity, not_you]

    return _letter(to, language, lambda t: t("letter.revoke_code.subject", company=company), part, strong=code)


def copy_code_letter(to: str, language: Language, *, code: str, account: str, company: str, minutes: int) -> Letter:
    """The mail with the code that a bookkeeper gives to whoever set up the copies."""
    name = _account(account)

    def part(t: Texts) -> list[str]:
        asked = t("letter.copy_code.asked", account=name, company=company)
        return [asked, code, t.plural("letter.code.validity", minutes), t("letter.copy_code.not_you")]

    return _letter(to, language, lambda t: t("letter.copy_code.subject", company=company), part, strong=code)


def copy_changed_letter(
    to: str, language: Language, *, account: str, company: str, support: str, stopped: bool
) -> Letter:
    """Tell a contact that a bookkeeper's copy was set up or stopped on an account. It does not name the bookkeeper."""
    name = _account(account)

    def part(t: Texts) -> list[str]:
        told = t("letter.copy_changed.stopped", account=name) if stopped else t("letter.copy_changed.set", account=name)
        return [told, t("letter.linked.yours"), t("letter.copy_changed.not_you"), _human(t, company, support)]

    def subject(t: Texts) -> str:
        if stopped:
            return t("letter.copy_changed.subject_stopped", company=company)
        return t("letter.copy_changed.subject_set", company=company)

    return _letter(to, language, subject, part)


@dataclass(frozen=True, slots=True)
class Stop:
    """How a mail's reader stops such mails: an address to post to (RFC 8058), or one to write to."""

    url: str = ""
    mailto: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What a mail client makes its own button of (RFC 2369, RFC 8058)."""
        if self.url:
            one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
            return {"List-Unsubscribe": f"<{self.url}>"} | one_click
        return {"List-Unsubscribe": f"<{self.mailto}>"}


def invoice_letter(
    to: str, language: Language, *, number: str, facts: Callable[[Texts], list[str]], pdf: Attachment, company: str,
    account: str, stop: Stop,
) -> Letter:  # fmt: skip
    """A bookkeeper's copy: the invoice's facts, its PDF, and the way to stop."""
    name = _account(account)

    def part(t: Texts) -> list[str]:
        way = t("letter.copy.stop_link", url=stop.url) if stop.url else t("letter.copy.stop_mail")
        return [t("letter.copy.told", number=number, account=name, company=company), *facts(t), way]

    def subject(t: Texts) -> str:
        return t("letter.copy.subject", number=number, company=company, account=name)

    return replace(_letter(to, language, subject, part), attachments=(pdf,), headers=stop.headers)


def _account(name: str) -> str:
    """An account's name for a third person; customers may choose it, and a mail of the company must not carry links."""
    return company_name(name) or "—"


def _human(t: Texts, company: str, support: str) -> str:
    """Whom to ask."""
    return t("letter.human_support", support=support) if support else t("letter.human", company=company)


def _letter(
    to: str, language: Language, subject: Callable[[Texts], str], part: Callable[[Texts], list[str]], strong: str = ""
) -> Letter:
    """Write a mail in both languages, the reader's first. ``strong`` is the line that stands out: a code."""
    texts = both(language)
    parts = [part(t) for t in texts]
    text = "\n\n———\n\n".join("\n\n".join(lines) for lines in parts) + "\n"
    html = '<hr style="border:0;border-top:1px solid #d1d1d6;margin:28px 0">'.join(
        f'<div lang="{t.language.locale.replace("_", "-")}">{"".join(_paragraph(line, strong) for line in lines)}</div>'
        for t, lines in zip(texts, parts, strict=True)
    )
    page = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><body style="{_STYLE}">{html}</body></html>'
    return Letter(to=to, subject=subject(texts[0]), text=text, html=page, language=language)


def _paragraph(line: str, strong: str) -> str:
    style = f' style="{_CODE_STYLE}"' if line == strong else ""
    return f"<p{style}>{markup(line)}</p>"
