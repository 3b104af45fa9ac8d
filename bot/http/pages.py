"""What the public pages share: the frame of the HTML, the style, and the headers. No page has a script."""

import base64
import hashlib

from texts.language import Language

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1e; --paper: #fff; --line: #d1d1d6; --act: #0a58ca; --on-act: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f2f2f7; --paper: #1c1c1e; --line: #48484a; --act: #9ec5fe; --on-act: #10233f }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 Helvetica, Arial, sans-serif }
main { max-width: 34em; margin: 0 auto; padding: 1.5rem 1.25rem }
h1 { font-size: 1.375rem; margin: 0 0 1rem; overflow-wrap: anywhere }
p { overflow-wrap: anywhere }
section + section { border-top: 1px solid var(--line); margin-top: 1.75rem; padding-top: .75rem }
button { font: inherit; font-weight: bold; border: 0; border-radius: .5rem; padding: .75rem 1.25rem;
  min-height: 2.75rem; background: var(--act); color: var(--on-act); cursor: pointer }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px }
h2 { font-size: 1.25rem; margin: 0 0 .75rem }
h3 { font-size: 1.0625rem; margin: 1.5rem 0 .5rem }
a { color: var(--act) }
nav a { display: inline-block; padding: .75rem 0; min-height: 1.5rem }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PRIVATE_HEADERS = HEADERS | {"X-Robots-Tag": "noindex", "Cache-Control": "no-store"}
"""The headers of a page whose address is somebody's secret."""


def page_of(title: str, body: str) -> str:
    """Return a page; both arguments are HTML, and the language of its body is French where no element says another."""
    return (
        f'<!doctype html><html lang="{language_tag(Language.FR)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def language_tag(language: Language) -> str:
    """Return the language tag of HTML (BCP 47), such as ``fr-CA``."""
    return language.locale.replace("_", "-")
