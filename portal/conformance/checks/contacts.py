"""The checks of contacts, and of the parts of an account that they may see."""

from portal.conformance.check import (
    Check,
    NothingToCheck,
    Subject,
    expect,
    expect_error,
    random_word,
    register_in,
)
from portal.errors import Forbidden, NotFound, PortalRefused
from portal.models import Contact, Part

CONTACT_CHECKS: list[Check] = []
_check = register_in(CONTACT_CHECKS)


def _ids(contacts: tuple[Contact, ...]) -> set[str]:
    return {contact.contact_id for contact in contacts}


@_check
async def contact_by_email(subject: Subject) -> None:
    """A contact is found by email, with that email and an account."""
    found = await subject.portal.find_contacts(subject.email)
    expect(bool(found), "nobody has the address that was given: check with one that somebody has")
    same = all(contact.email.casefold() == subject.email.casefold() for contact in found)
    expect(same, "a contact came who has another address")
    expect(any(contact.accounts for contact in found), "the contact has no account")


@_check
async def email_in_capitals(subject: Subject) -> None:
    """An email is found in capitals too."""
    found = await subject.portal.find_contacts(subject.email.upper())
    expect(_ids(found) == _ids(await subject.portal.find_contacts(subject.email)), "other contacts came")


@_check
async def unknown_email(subject: Subject) -> None:
    """An unknown email is an empty answer, not an error."""
    found = await subject.portal.find_contacts(f"{random_word()}@example.com")
    expect(not found, "somebody was found")


@_check
async def email_with_wildcards(subject: Subject) -> None:
    """An email is compared whole: % and _ stand for themselves."""
    local, _, domain = subject.email.partition("@")
    patterns = (f"_{local[1:]}@{domain}", f"{local[:1]}%@{domain}", f"%@{domain}", f"*@{domain}", f".*@{domain}")
    parts = (f"{local}@", local, f"@{domain}", subject.email[:-1], subject.email[1:])
    longer = (f"{subject.email}.invalid", f"{subject.email}x", f"x{subject.email}", f"{subject.email},x@{domain}")
    for pattern in (*patterns, *parts, *longer):
        try:
            found = await subject.portal.find_contacts(pattern)
        except PortalRefused:
            continue  # what is no address may be refused
        # Somebody may really have such an address.
        expect(all(who.email.casefold() == pattern.casefold() for who in found), "a pattern or a part found somebody")


@_check
async def contact_by_id(subject: Subject) -> None:
    """A contact is read by id, with the same accounts."""
    contact = subject.found_contact
    again = await subject.portal.contact(contact.contact_id)
    expect(again.contact_id == contact.contact_id, "another contact came")
    expect(again.accounts == contact.accounts, "other accounts came")


@_check
async def unknown_contact(subject: Subject) -> None:
    """An unknown contact is 404."""
    await expect_error(subject.portal.contact(random_word()), (NotFound,), "somebody came")


@_check
async def access(subject: Subject) -> None:
    """What a contact may see of an account is what `access` says: the other part is 403."""
    contact, seen = subject.found_contact, {each.reader.account_id: each for each in subject.own}
    told = {account.account_id: account.access for account in contact.accounts if account.account_id in seen}
    own = [each for each in subject.own if each.reader.contact_id == contact.contact_id]
    for each in own:
        expect(each.parts == told[each.reader.account_id], "a part that `access` names is 403")
    refused = (Forbidden, NotFound)
    closed = [each for each in own if each.parts != frozenset(Part)]
    for each in closed:
        if Part.ORDERS not in each.parts:
            orders = subject.portal.orders(each.reader, page=1, page_size=10)
            await expect_error(orders, refused, "orders came that `access` does not name")
        if Part.INVOICES not in each.parts:
            invoices = subject.portal.invoices(each.reader, page=1, page_size=10)
            await expect_error(invoices, refused, "invoices came that `access` does not name")
    if not closed:
        raise NothingToCheck("the contact may see every part of the accounts")
