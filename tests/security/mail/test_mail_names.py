"""Names in mails to third persons contain no links and no telephone numbers."""

import re
import unicodedata
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from mail.mailer import Attachment, Letter
from sandbox.mail.received import Received
from services.company import Company
from services.mailing.copy_letters import Unsubscribe, copy_code_letter, invoice_letter
from services.mailing.letters import copy_changed_letter
from tests.scene import Scene
from texts.escaping import safe_company_name
from texts.language import Language

EVIL = "Evil http://x.y/z call 1-800-555-1234 a@b.ca www.x.com x.com/pay"
BOOKS = "compta@cabinet.example"
OWNER = "proprio@fonderie.test"
NUMBERED = re.compile(
    r"(?:\d{4}-\d{4}|\d{6,8}) \(?(?:Alberta|B\.?C|British Columbia|Canada|Manitoba|N\.?B|New Brunswick|Nova Scotia|"
    r"Nouveau-Brunswick|Newfoundland|Ontario|P\.?E\.?I|QC|Qu[eé]bec|Saskatchewan|Yukon)\b",
    re.IGNORECASE,
)


def read(text: str) -> str:
    """Return the text in compatibility form (NFKC) and without invisible characters."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if unicodedata.category(c) != "Cf" and not "\ufe00" <= c <= "\ufe0f")


def links_in(name: str) -> list[str]:
    """Return what a mail client could link or dial, more than any client does."""
    seen = read(name.removesuffix("…"))
    found = re.findall(r"[:/@\\<>\"?#%=_*~\u3002\uff61\u2024]|\bwww\.\w", seen)
    found += re.findall(
        r"\w\.(?:\w{2,}|[^\W\d_A-Z])", seen
    )  # a domain: after its last dot two letters, or one in lower case
    dialled = r"(?:\d\W*){7,}|\b(?:1[ -]+(?:8\d\d|900)[ -]+|(?:8\d\d|900)-)(?=\w)"
    return found + re.findall(dialled, NUMBERED.sub("", seen))


@pytest.mark.parametrize(
    "name",
    [
        "9123-4567 Québec inc.",
        "9123-4567 Quebec Inc.",
        "1234567 Canada inc.",
        "0123456 B.C. Ltd.",
        "Garage Bob (9123-4567 Québec inc.)",
        "Transport Boréal inc.",
        "North Shore Couriers Ltd",
        "J.-P. Roy & Fils (S.E.N.C.)",
        "L’Oréal, division 3",
        "Ferme D'Amours et Associés ltée",
        "C.P.A. Tremblay inc.",
        "A+ Auto",
        "Groupe 360",
        "שלום",
        "नेहा ट्रांसपोर्ट",
        "株式会社トラック",
    ],
)
def test_usual_name_is_unchanged(name: str) -> None:
    assert safe_company_name(name) == name
    assert links_in(name) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (EVIL, "Evil http x y z call a b ca www x com x…"),
        ("http://evil.example/x?y=1#z", "http evil example x y 1 z"),
        ("Amazon.ca", "Amazon ca"),
        ("me@evil.example", "me evil example"),
        ("evil.example.", "evil example."),
        ("tel:+15145551234", "tel"),
        ("mailto:a@b.ca", "mailto a b ca"),
        ("1-800-555-1234", ""),
        ("(514) 555-1234 Taxi", "Taxi"),
        ("Appelez le 514.555.1234", "Appelez le"),
        ("Taxi +1 514 / 555 / 1234", "Taxi"),
        ("555-1234", ""),
        ("1-800-FLOWERS", "FLOWERS"),
        ("1 800 GOT JUNK", "GOT JUNK"),
        ("555 9123-4567 Québec inc.", "Québec inc."),
        ("Numéro 9123-4567", "Numéro"),
        # Domains of other scripts, and characters that become dots.
        ("пример.рф", "пример рф"),
        ("例え。テスト", "例え テスト"),
        ("evil。com", "evil com"),
        ("evil｡com", "evil com"),
        ("evil․com", "evil com"),
        ("g⒈com", "g1 com"),
        ("ｗｗｗ．ｅｖｉｌ．ｃｏｍ", "www evil com"),
        ("ｈｔｔｐ：／／ｘ．ｙ", "http x y"),
        ("５１４－５５５－１２３４", ""),
        ("⑤①④ ⑤⑤⑤-①②③④", ""),
        ("٥١٤٥٥٥١٢٣٤", ""),
        # Invisible characters.
        ("ev\u200bil\u2060.\u200dcom", "evil com"),
        ("evil\u00ad.\u034fcom", "evil com"),
        ("evil.\ufe0fcom", "evil com"),
        ("5\u200b1\u200b4\u200b5\u200b5\u200b5\u200b1234", ""),
        ("5\u31641\uffa04\u115f5551234", ""),
        ("moc.live\u202e", "moc live"),
        ("\u202d\u20661-800\u2069-555-1234", ""),
        ("\U000e0001a\U000e0061.com", "a com"),
        # Characters that would end the quotation or the line.
        ("x ». Payez ici « y", "x . Payez ici y".replace(" .", "")),
        ("a\r\nBcc: x@y.example", "a Bcc x y example"),
        ("<b>Max</b> & co", "b Max b & co"),
        ("#1 Pneus", "1 Pneus"),
        ("🎉", ""),
        ("\ud800", ""),
        ("x" * 60, "x" * 39 + "…"),
        ("Transport et location Tremblay & Associés inc.", "Transport et location Tremblay & Associ…"),
    ],
)
def test_name_has_no_link_and_no_number(name: str, expected: str) -> None:
    assert safe_company_name(name) == expected
    assert links_in(expected) == []


_PIECES = st.sampled_from(
    ["http://", "www.", "evil", ".com", ".", "/", "@", "1-800-", "555", "-", "1234", " ", "(", ")", "+", "Québec inc.",
     "9123-4567", "\u200b", "\u202e", "。", "．", "１", "①", "A.", "B", ",", "&", "'", "٣", "\ufe0f", "é", "\u0301"]
)  # fmt: skip


@given(st.one_of(st.text(st.characters(), max_size=100), st.lists(_PIECES, max_size=25).map("".join)))
@example(EVIL)
@example("x.y")
@example("A.B.com")
@example("9123-4567 Québec 514-555-1234")
def test_no_name_becomes_a_link_or_telephone_number(name: str) -> None:
    shown = safe_company_name(name)
    assert links_in(shown) == []
    assert len(shown) <= 40
    assert shown == " ".join(shown.split())
    shown.encode()


def letters(account: str, language: Language = Language.FR) -> list[Letter]:
    """Return every mail that names an account."""
    company = Company("Odotrack", "", ZoneInfo("America/Toronto"), Language.FR)
    made = [
        copy_code_letter(
            BOOKS, language, code="048213", account=account, asked_by="Camille", company=company, hours=24
        ),
        invoice_letter(
            BOOKS, language, number="212380", facts=lambda _: [], pdf=Attachment("x.pdf", b"%PDF", "application/pdf"),
            company=company, account=account,
            unsubscribe=Unsubscribe(mailto="mailto:odobot@odotrack.test?subject=stop"),
        ),
    ]  # fmt: skip
    changed = (
        copy_changed_letter(BOOKS, language, account=account, company=company, stopped=stopped)
        for stopped in (True, False)
    )
    return [*made, *changed]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    "account", [EVIL, "evil。com", "５１４－５５５－１２３４", "\u202emoc.live", "שלום.com", "🎉", ""]
)
def test_mail_has_no_links_from_account_names(account: str, language: Language) -> None:
    for letter, usual in zip(letters(account, language), letters("Boréal", language), strict=True):
        name = re.escape(safe_company_name(account) or "—")
        shown = f"(?<=[«“\u00a0 ])\u2068?{name}\u2069?(?=[»”\u00a0]|$)"
        assert re.sub(shown, "Boréal", letter.text) == usual.text
        assert re.sub(shown, "Boréal", letter.subject) == usual.subject
        assert "x.com" not in letter.html


def carried(letter: Received) -> str:
    return "\n".join((letter.subject, letter.text, unescape(re.sub(r"<[^>]+>", " ", letter.html or ""))))


async def test_account_name_cannot_relay_text(scene: Scene) -> None:
    """A customer cannot have the company's server mail a link or telephone number in an account name."""
    people = scene.portal.portal.people
    people.add_account("a-9001", EVIL)
    people.add_contact("c-9001", OWNER, "Proprio", access={"a-9001": ("orders", "invoices")})
    person = await scene.linked(email=OWNER)
    await scene.say(person, "/avis")
    await scene.tap(person, "Copie pour la comptabilité")
    await scene.tap(person, "Choisir une adresse")
    await scene.say(person, BOOKS)
    await scene.say(person, await scene.code(BOOKS))
    scene.portal.portal.issue_invoice("a-9001", amount="40.19", number="990001")
    code, invoice = await scene.mailbox.wait_for(BOOKS, count=2, timeout=15)
    assert "990001" in invoice.subject
    for letter in (code, invoice):
        found = [each for each in ("x.y", "555-1234", "@b", "x.com", "://") if each in carried(letter)]
        assert found == []
        assert not re.search(r"(?<!\d)555(?!\d)", carried(letter)), "three digits of a code may be the same"
        assert "Evil" in letter.text
