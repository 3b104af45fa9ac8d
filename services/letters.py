"""The mails Odobot writes: both languages in one, the reader's first."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mail.mailer import Attachment, Letter
from texts.catalogue import Texts, both, texts_in
from texts.escaping import markup, person_name
from texts.language import Language

_STYLE = "font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#1c1c1e;max-width:34em"
_CODE_STYLE = "font-size:30px;font-weight:bold;letter-spacing:6px;margin:12px 0"


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

    parts = [part(t) for t in both(language)]
    t = texts_in(language)
    return _letter(to, language, t("letter.code.subject", company=company), parts, strong=code)


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

    parts = [part(t) for t in both(language)]
    t = texts_in(language)
    return _letter(to, language, t("letter.linked.subject", company=company), parts)


def copy_code_letter(to: str, language: Language, *, code: str, account: str, company: str, minutes: int) -> Letter:
    """The mail with the code that a bookkeeper gives to whoever set up the copies."""

    def part(t: Texts) -> list[str]:
        asked = t("letter.copy_code.asked", account=account, company=company)
        return [asked, code, t.plural("letter.code.validity", minutes), t("letter.copy_code.not_you")]

    parts = [part(t) for t in both(language)]
    t = texts_in(language)
    return _letter(to, language, t("letter.copy_code.subject", company=company), parts, strong=code)


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

    def part(t: Texts) -> list[str]:
        way = t("letter.copy.stop_link", url=stop.url) if stop.url else t("letter.copy.stop_mail")
        return [t("letter.copy.told", number=number, account=account, company=company), *facts(t), way]

    t = texts_in(language)
    subject = t("letter.copy.subject", number=number, company=company, account=account)
    letter = _letter(to, language, subject, [part(each) for each in both(language)])
    return replace(letter, attachments=(pdf,), headers=stop.headers)


def _letter(to: str, language: Language, subject: str, parts: list[list[str]], strong: str = "") -> Letter:
    text = "\n\n———\n\n".join("\n\n".join(lines) for lines in parts) + "\n"
    languages = (language, language.other)
    html = '<hr style="border:0;border-top:1px solid #d1d1d6;margin:28px 0">'.join(
        f'<div lang="{code}">{"".join(_paragraph(line, strong) for line in lines)}</div>'
        for code, lines in zip((lang.locale.replace("_", "-") for lang in languages), parts, strict=True)
    )
    page = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><body style="{_STYLE}">{html}</body></html>'
    return Letter(to=to, subject=subject, text=text, html=page, language=language)


def _paragraph(line: str, strong: str) -> str:
    style = f' style="{_CODE_STYLE}"' if line == strong else ""
    return f"<p{style}>{markup(line)}</p>"
