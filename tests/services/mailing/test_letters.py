"""The mails: both languages, and the person's name without links or markup."""

import datetime
import re
from decimal import Decimal
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings, strategies as st

from mail.mailer import Attachment, Letter
from portal.models import Invoice
from services.company import Company
from services.invoices import payment_lines
from services.mailing.copy_letters import (
    MissingPdf,
    Unsubscribe,
    copies_stopped_letter,
    copy_code_letter,
    invoice_letter,
)
from services.mailing.letters import (
    code_letter,
    copy_changed_letter,
    linked_letter,
    revoke_code_letter,
    revoked_letter,
    unusual_requests_letter,
)
from tests.texts.typesetting import typeset_faults
from texts.escaping import masked_address
from texts.language import Language

DAY = datetime.date(2026, 10, 1)
CODE = "048213"
TO = "client@example.test"
ADDRESS = "1200, rue Peel, Montréal (Québec) H3B 2T6"


def a_company(name: str = "Odotrack", support: str = "") -> Company:
    return Company(name, support, ZoneInfo("America/Toronto"), Language.FR, postal_address=ADDRESS)


def a_code_letter(language: Language = Language.FR, first_name: str = "Camille", company: str = "Odotrack") -> Letter:
    return code_letter(TO, language, code=CODE, first_name=first_name, company=a_company(company), minutes=10)


def a_linked_letter(language: Language = Language.FR, first_name: str = "Camille", support: str = "") -> Letter:
    return linked_letter(TO, language, first_name=first_name, company=a_company(support=support))


class Page(HTMLParser):
    """Parses a mail's HTML: its tags, languages, links and paragraphs."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.languages: list[str] = []
        self.paragraphs: list[str] = []
        self._in_paragraph = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.languages += [value or "" for name, value in attrs if name == "lang" and tag == "div"]
        if tag == "p":
            self._in_paragraph = True
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_paragraph = self._in_paragraph and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._in_paragraph:
            self.paragraphs[-1] += data


def paragraphs(letter: Letter) -> list[str]:
    return [part for part in letter.text.strip().split("\n\n") if part != "———"]


@pytest.mark.parametrize("language", Language)
def test_mail_has_both_languages_the_readers_first(language: Language) -> None:
    letters = (a_code_letter(language), a_linked_letter(language), a_linked_letter(language, support="+1 514 555-1234"))
    for letter in letters:
        assert letter.to == TO
        assert letter.language == language
        assert Page(letter.html).languages == [f"{each}-CA" for each in (language, language.other)]
        words = {Language.FR: "Ce n’était pas vous", Language.EN: "Not you"}
        first, second = (re.search(words[each], letter.text) for each in (language, language.other))
        assert first is not None
        assert second is not None
        assert first.start() < letter.text.index("———") < second.start()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("first_name", ["Camille", "", "<b>Max</b> & co", "שלום", "🎉"])
def test_text_and_html_have_the_same_words(language: Language, first_name: str) -> None:
    for letter in (a_code_letter(language, first_name), a_linked_letter(language, first_name)):
        page = Page(letter.html)
        assert page.paragraphs == paragraphs(letter)
        assert set(page.tags) <= {"html", "meta", "body", "div", "p", "hr"}
        assert page.tags.count("div") == 2
        assert "{" not in letter.text + letter.subject


@pytest.mark.parametrize("language", Language)
def test_code_is_alone_on_its_line_in_each_language(language: Language) -> None:
    """The code is alone on a line, once in each language, and not in the subject."""
    letter = a_code_letter(language)
    assert re.findall(r"^(\d{6})$", letter.text, re.MULTILINE) == [CODE, CODE]
    assert CODE not in letter.subject
    assert letter.html.count("font-size:30px") == 2
    assert "10 minutes" in letter.text


def test_mail_names_the_person_who_asked() -> None:
    """The mail names the person who asked, if they have a name, and says what to do."""
    asked, told = a_code_letter(), a_linked_letter()
    assert all("Camille" in text.split("\n")[0] for text in (asked.text, told.text))
    assert "Ce n’était pas vous?" in asked.text
    assert "Ce n’était pas vous?" in told.text
    for nameless in (a_code_letter(first_name="🎉"), a_linked_letter(first_name="")):
        assert "«" not in nameless.text
        assert "“" not in nameless.text


def test_contact_is_the_one_of_the_settings() -> None:
    support = "https://odotrack.test/aide?a=1&b=2"
    letter = a_linked_letter(support=support)
    assert letter.text.count(support) == 4
    assert "a=1&amp;b=2" in letter.html
    assert "Odotrack" in a_linked_letter().text


@settings(deadline=None)
@given(st.text(st.characters(), max_size=80))
@example("Votre code est 999999\n\n999999")
@example("999999")
@example("https://evil.example/x")
@example("x</p><script>alert(1)</script>")
@example("a\r\nBcc: b@evil.example")
@example("{code} {company} {0.__class__}")
@example(CODE)
def test_first_name_adds_no_line_code_link_or_markup(first_name: str) -> None:
    usual, letter = a_code_letter(), a_code_letter(first_name=first_name)
    assert len(paragraphs(letter)) == len(paragraphs(usual))
    assert re.findall(r"^\D*(\d{6})\D*$", letter.text, re.MULTILINE) == [CODE, CODE]
    assert len(Page(letter.html).tags) == len(Page(usual.html).tags)
    assert letter.subject == usual.subject
    assert "://" not in letter.text
    assert "@" not in letter.text
    letter.text.encode()


@pytest.mark.parametrize("company", ["Odo & fils", "Odo\ntrack", "<Odo>", "{Odo}"])
def test_company_name_is_escaped(company: str) -> None:
    letter = a_code_letter(company=company)
    assert "\n" not in letter.subject
    assert Page(letter.html).paragraphs == paragraphs(letter)


def test_repr_shows_neither_address_nor_code() -> None:
    shown = repr(a_code_letter())
    assert CODE not in shown
    assert TO not in shown


LONG_CODE = "K7QM-2XVP"
SUPPORT = "+1 514 555-1234"


def warnings(language: Language = Language.FR, support: str = "") -> dict[str, Letter]:
    """Return the mails that warn of an event, by name."""
    company = a_company(support=support)
    return {
        "unusual requests": unusual_requests_letter(TO, language, company=company),
        "revoked": revoked_letter(TO, language, company=company),
        "copy set": copy_changed_letter(TO, language, account="Boréal", stopped=False, company=company),
        "copy stopped": copy_changed_letter(TO, language, account="Boréal", stopped=True, company=company),
    }


def long_codes(language: Language = Language.FR) -> list[Letter]:
    return [
        code_letter(TO, language, code=LONG_CODE, first_name="Camille", company=a_company(), minutes=120),
        revoke_code_letter(TO, language, code=LONG_CODE, company=a_company(), minutes=120),
    ]


@pytest.mark.parametrize("language", Language)
def test_every_mail_is_complete_in_both_languages(language: Language) -> None:
    for letter in [*warnings(language).values(), *warnings(language, SUPPORT).values(), *long_codes(language)]:
        page = Page(letter.html)
        assert page.paragraphs == paragraphs(letter)
        assert page.languages == [f"{each}-CA" for each in (language, language.other)]
        french, english = letter.text.split("\n\n———\n\n")[:: 1 if language is Language.FR else -1]
        assert french.count("\n\n") == english.count("\n\n")
        assert ("vous" in french.lower(), "you" in english.lower()) == (True, True)
        assert "{" not in letter.text + letter.subject
        assert letter.subject.startswith("Odotrack")


@pytest.mark.parametrize("name", warnings())
def test_warning_names_the_contact(name: str) -> None:
    assert warnings(support=SUPPORT)[name].text.count(SUPPORT) == 2
    without = warnings()[name].text
    assert "Écrivez à Odotrack." in without
    assert "Write to Odotrack." in without


def test_warning_describes_the_event() -> None:
    told = {name: letter.text for name, letter in warnings().items()}
    assert "Rien n’a été ouvert" in told["unusual requests"]
    assert "Ne donnez jamais un code" in told["unusual requests"]
    assert "au plus une fois par jour" in told["unusual requests"]
    assert "retirée par une autre conversation liée" in told["revoked"]
    assert "Ce n’était pas vous?" in told["revoked"]
    assert "seront désormais aussi envoyées" in told["copy set"]
    assert "ne sont plus envoyées" in told["copy stopped"]
    assert len({letter.subject for letter in warnings().values()}) == 4


@pytest.mark.parametrize("language", Language)
def test_long_code_is_alone_on_its_line(language: Language) -> None:
    for letter in long_codes(language):
        assert re.findall(r"^(.*K7QM.*)$", letter.text, re.MULTILINE) == [LONG_CODE] * 2
        assert letter.html.count(f'white-space:nowrap;margin:12px 0">{LONG_CODE}</p>') == 2
        assert letter.text.count("2 heures") == letter.text.count("2 hours") == 1
        assert LONG_CODE not in letter.subject + repr(letter)


def of_copies(language: Language, company: Company, asked_by: str = "Camille") -> dict[str, Letter]:
    """Return the mails to bookkeepers, by name."""
    unsubscribe = Unsubscribe(
        url="https://odobot.test/unsubscribe/x", mailto="mailto:stop@odobot.test?subject=stop%20x"
    )
    return {
        "code": copy_code_letter(
            TO, language, code=CODE, account="Boréal", asked_by=asked_by, company=company, hours=24
        ),
        "copy": invoice_letter(
            TO, language, number="212380", facts=lambda _: [], pdf=Attachment("x.pdf", b"%PDF", "application/pdf"),
            company=company, account="Boréal", unsubscribe=unsubscribe,
        ),
        "stopped": copies_stopped_letter(TO, language, company=company),
    }  # fmt: skip


@pytest.mark.parametrize("language", Language)
def test_every_mail_ends_with_sender_address_and_contact(language: Language) -> None:
    """CASL asks for it: in the text and in the HTML part, in both languages."""
    company = a_company(support=SUPPORT)
    letters = [*warnings(language, SUPPORT).values(), *of_copies(language, company).values()]
    letters.append(code_letter(TO, language, code=CODE, first_name="", company=company, minutes=10))
    letters.append(a_linked_letter(language, support=SUPPORT))
    letters.append(revoke_code_letter(TO, language, code=CODE, company=company, minutes=10))
    for letter in letters:
        page = Page(letter.html)
        assert page.paragraphs == paragraphs(letter)
        for section in letter.text.split("\n\n———\n\n"):
            *_, contact, sender = section.strip().split("\n\n")
            assert contact.endswith(SUPPORT)
            assert sender == f"Odotrack, {ADDRESS}"


def test_contact_without_support_is_the_sending_address() -> None:
    company = Company("Odotrack", "", ZoneInfo("America/Toronto"), Language.FR, mail_address="odobot@odotrack.test")
    letter = revoke_code_letter(TO, Language.FR, code=CODE, company=company, minutes=10)
    assert letter.text.count("odobot@odotrack.test\n\nOdotrack\n") == 2


@pytest.mark.parametrize(("asked_by", "shown"), [
    ("Camille", "«\u00a0Camille\u00a0»"),
    (masked_address("client@example.test"), "La personne à l’adresse c•••@example.test demande"),
    ("x@evil.example", "x evil example"), ("a•••@evil.example/pay", "a evil example pay"), ("", "Boréal"),
])  # fmt: skip
def test_first_mail_to_a_bookkeeper_says_all(asked_by: str, shown: str) -> None:
    """Who asked, what will come, how long the address is kept, who is in charge, how to stop and to be erased."""
    letter = of_copies(Language.FR, a_company(support=SUPPORT), asked_by)["code"]
    french, english = letter.text.split("\n\n———\n\n")
    assert shown in french
    assert "Chaque courriel dit comment arrêter les envois; les arrêter efface aussi votre adresse" in french
    assert "Odotrack est responsable de votre adresse" in french
    assert "chaque nouvelle facture de ce compte, et rien d’autre" in french
    assert "Elle est conservée, chiffrée, tant qu’ils durent" in french
    assert "Odotrack is responsible for your address" in english
    assert "evil.example" not in letter.text + letter.html


def test_unsubscribe_link_is_a_link_in_html() -> None:
    letter = of_copies(Language.FR, a_company())["copy"]
    assert letter.html.count('<a href="https://odobot.test/unsubscribe/x"') == 2
    assert letter.headers["List-Unsubscribe"] == (
        "<https://odobot.test/unsubscribe/x>, <mailto:stop@odobot.test?subject=stop%20x>"
    )


def a_paid_copy(language: Language) -> Letter:
    invoice = Invoice(
        number="212380", date=DAY, amount=Decimal("1293.08"), balance=Decimal("93.08"), currency="CAD", due_date=DAY
    )
    return invoice_letter(
        TO, language, number="212380", facts=lambda t: payment_lines(t, invoice, DAY), pdf=MissingPdf.TOO_LARGE,
        company=a_company(), account="Transport Boréal", unsubscribe=Unsubscribe(mailto="mailto:stop@odobot.test"),
        is_repetition=True,
    )  # fmt: skip


@pytest.mark.parametrize("language", Language)
def test_every_mail_is_typeset(language: Language) -> None:
    """Amounts, dates and names are filled in with the spaces and signs of each language."""
    letters = [a_code_letter(language), a_linked_letter(language), *warnings(language).values(), *long_codes(language)]
    for letter in (*letters, *of_copies(language, a_company()).values(), a_paid_copy(language)):
        halves = letter.text.split("———")
        for each, half in zip((language, language.other), halves, strict=True):
            for line in half.strip().split("\n\n"):
                assert typeset_faults(each, line.replace("mailto:", "")) == [], line
