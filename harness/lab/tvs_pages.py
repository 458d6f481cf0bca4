"""The pages and small bodies that the routing service of the lab shows."""

import base64
import html
from typing import Final

from lxml import etree

from harness.lab.server import Reply
from harness.model import Text
from harness.wire.saml import (
    LOA_BASIC,
    LOA_HIGH,
    LOA_LOW,
    LOA_SUBSTANTIAL,
    Element,
)

LEVELS: Final = (LOA_BASIC, LOA_LOW, LOA_SUBSTANTIAL, LOA_HIGH)
PEOPLE: Final = ("999999047", "999990019", "900029365")
"""Test numbers that nobody has, and that pass the 11-test."""
STYLE: Final = (
    "<meta name='viewport' content='width=device-width'><style>body{font:17px/1.5 system-ui,sans-serif;max-width:34rem;"
    "margin:2rem auto;padding:0 1rem;color:#1b2530}label{display:inline-block;min-width:6rem}select{font:inherit;"
    "padding:.3rem}button{font:inherit;margin:0 .5rem .5rem 0;padding:.4rem .9rem}p[lang=en]{color:#56616d}</style>"
)
HTML: Final = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))


def page(status: int, text: Text, body: str = "") -> Reply:
    """Return an HTML page with one sentence in both languages."""
    content = (
        f"<!doctype html><html lang='nl'><meta charset='utf-8'><title>TVS (lab)</title>{STYLE}<h1>TVS (lab)</h1><p>{html.escape(text.nl)}</p>"
        f"<p lang='en'>{html.escape(text.en)}</p>{body}</html>"
    )
    return Reply(status, HTML, content.encode())


def choices(token: str) -> Reply:
    """Return the page on which a tester chooses who logs in and how the login ends."""
    people = "".join(f"<option value='{bsn}'>Testpersoon {n} ({bsn})</option>" for n, bsn in enumerate(PEOPLE, 1))
    others = "".join(f"<option value='{bsn}'>Testpersoon {n} ({bsn})</option>" for n, bsn in enumerate(PEOPLE, 1))
    levels = "".join(
        f"<option value='{level}'{' selected' if level == LOA_SUBSTANTIAL else ''}>{level.rpartition('/')[2]}</option>"
        for level in LEVELS
    )
    outcomes = "".join(
        f"<button name='outcome' value='{value}'>{label}</button>"
        for value, label in (
            ("", "Inloggen"),
            ("cancel", "Annuleren"),
            ("no-authn-context", "Niveau te laag"),
            ("request-denied", "Weigeren"),
        )
    )
    body = (
        f"<form method='post' action='/kvs/rd/choose'><input type='hidden' name='token' value='{token}'>"
        f"<p><label for='bsn'>Persoon</label><select id='bsn' name='bsn'>{people}</select></p>"
        f"<p><label for='level'>Niveau</label><select id='level' name='level'>{levels}</select></p>"
        "<p><label for='represents'>Namens</label><select id='represents' name='represents'>"
        f"<option value=''>zichzelf</option>{others}</select></p>"
        f"<p class='ends'>{outcomes}</p></form>"
    )
    return page(200, Text("Kies wie inlogt en hoe het afloopt.", "Choose who logs in and how it ends."), body)


def form(action: str, name: str, value: str, relay_state: str | None) -> bytes:
    """Return a page that posts one SAML field."""
    relay = f"<input type='hidden' name='RelayState' value='{html.escape(relay_state)}'>" if relay_state else ""
    return (
        f"<!doctype html><html><body><form method='post' action='{html.escape(action)}'>"
        f"<input type='hidden' name='{name}' value='{value}'>{relay}<button>Verder</button></form></body></html>"
    ).encode()


def encoded(message: Element) -> str:
    """Return a message as base64."""
    return base64.b64encode(etree.tostring(message)).decode()


def soap_fault(text: str) -> bytes:
    """Return a SOAP Fault."""
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>soapenv:Server</faultcode><faultstring>{text}</faultstring></soapenv:Fault></soapenv:Body>"
        "</soapenv:Envelope>"
    ).encode()
