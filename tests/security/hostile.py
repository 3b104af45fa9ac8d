"""Numbers that an attacker types or puts into a forged button to reach another customer's document."""

from portal.client import Reader

ATTACKER = Reader("c-1004", "a-2004")
"""Anna, on North Shore Couriers Ltd in the sandbox's portal."""
OWN_INVOICE, OWN_ORDER = "250118", "41010"
VICTIM_INVOICE, VICTIM_ORDER = "240130", "31450"
VICTIM = "c-1002/accounts/a-2003"
_UP = "../" * 4 + VICTIM
"""From the attacker's own ``…/invoices/`` to the victim's account."""


def _to(part: str, number: str) -> dict[str, str]:
    """By kind: what might be read as the path of the victim's invoice or order."""
    plain = f"{_UP}/{part}/{number}"
    behind = f"1/../{plain}"
    return {
        "dot segments": plain,
        "behind a number": behind,
        "behind an own number": f"{OWN_INVOICE}/../{plain}",
        "dots and slashes encoded": plain.replace("/", "%2F").replace(".", "%2E"),
        "slashes encoded": behind.replace("/", "%2F"),
        "slashes encoded in lower case": behind.replace("/", "%2f"),
        "slashes encoded twice": behind.replace("/", "%252F"),
        "slashes encoded three times": behind.replace("/", "%25252F"),
        "dots encoded": behind.replace("..", "%2e%2e"),
        "one dot encoded": behind.replace("..", ".%2e"),
        "dots encoded twice": behind.replace("..", "%252e%252e"),
        "backslashes": behind.replace("/", "\\"),
        "backslashes between dots only": behind.replace("../", "..\\"),
        "backslashes encoded": behind.replace("/", "%5C"),
        "backslashes encoded twice": behind.replace("/", "%255C"),
        "matrix parameters": behind.replace("..", "..;"),
        "matrix parameters with a value": behind.replace("..", "..;a=1"),
        "matrix parameters encoded": behind.replace("..", "..%3B"),
        "fullwidth dots": behind.replace(".", "\uff0e"),
        "fullwidth slashes": behind.replace("/", "\uff0f"),
        "fullwidth both": behind.replace(".", "\uff0e").replace("/", "\uff0f"),
        "two-dot leaders": behind.replace("..", "\u2025"),
        "one-dot leaders": behind.replace(".", "\u2024"),
        "division slashes": behind.replace("/", "\u2215"),
        "fraction slashes": behind.replace("/", "\u2044"),
        "fullwidth backslashes": behind.replace("/", "\uff3c"),
        "overlong slashes": behind.replace("/", "%c0%af"),
        "overlong dots": behind.replace("..", "%c0%ae%c0%ae"),
        "doubled slashes": behind.replace("/", "//"),
        "doubled dots": behind.replace("../", "....//"),
        "spaces after dots": behind.replace("..", ".. "),
        "tabs between dots": behind.replace("..", ".\t."),
        "line breaks between dots": behind.replace("..", ".\n."),
        "NUL behind dots": behind.replace("..", "..\x00"),
        "zero-width space between dots": behind.replace("..", ".\u200b."),
        "a query behind": f"{behind}?",
        "a fragment behind": f"{behind}#",
        "a fragment before": f"1#/../{plain}",
        "a query before": f"1?/../{plain}",
        "from the root": f"/v1/contacts/{VICTIM}/{part}/{number}",
        "from two slashes": f"//v1/contacts/{VICTIM}/{part}/{number}",
        "a whole URL": f"http://127.0.0.1/v1/contacts/{VICTIM}/{part}/{number}",
        "another request": f"1 HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/contacts/{VICTIM}/{part}/{number}",
        "another request encoded": f"1%20HTTP/1.1%0d%0aX:%20/{plain}",
        "a parameter": f"1&account_id=a-2003&number={number}",
        "half a surrogate pair": behind.replace("..", ".\ud800."),
        "a right-to-left override": f"\u202e{behind}",
        "over-long": "1/../" * 30 + plain,
        "only the victim's number": number,
    }


HOSTILE = {
    **{f"invoice: {kind}": number for kind, number in _to("invoices", VICTIM_INVOICE).items()},
    **{f"order: {kind}": number for kind, number in _to("orders", VICTIM_ORDER).items()},
    "empty": "",
    "a space": " ",
    "a dot": ".",
    "two dots": "..",
    "three dots": "...",
    "a slash": "/",
    "two slashes": "//",
    "a backslash": "\\",
    "a percent sign": "%",
    "a broken escape": "%zz",
    "a wildcard": "*",
    "an underscore": "_",
    "a quotation": "' OR 1=1 --",
    "summary": "summary",
    "summary in capitals": "SUMMARY",
    "summary as JSON": "summary.json",
    "pdf": "pdf",
    "own invoice's pdf": f"{OWN_INVOICE}/pdf",
    "own invoice with a format": f"{OWN_INVOICE}.json",
    "own invoice with a parameter": f"{OWN_INVOICE};v=1",
    "own invoice with a query": f"{OWN_INVOICE}?x=1",
    "own invoice with a fragment": f"{OWN_INVOICE}#x",
    "own invoice by a detour": f"x/../{OWN_INVOICE}",
    "own invoices' list": "../invoices",
    "the feed": "../" * 6 + "events",
    "the own contact": "../../..",
}
"""By kind. None is a paper of the attacker's own."""
