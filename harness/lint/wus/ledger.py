"""Remember which request carried which MessageID: a receiver may refuse the second one as a duplicate (WSA Core §3.2)."""

import hashlib
from collections.abc import MutableMapping
from dataclasses import replace

from lxml import etree

from harness.errors import KetentestError
from harness.lint.judge import Context, Raw
from harness.lint.wus.message import read
from harness.wire.soap import Envelope

Uses = MutableMapping[str, tuple[str, str]]
"""Per MessageID the fingerprint of the first request that carried it, and how that request is called."""


def note(uses: Uses, raw: Raw, ctx: Context) -> None:
    """Note the MessageID of `raw` when it is a request, for the judgement of those that come after it."""
    try:
        message = read(raw, replace(ctx, companions=()))
    except KetentestError:
        return
    if message.envelope is not None and message.is_request and message.envelope.message_id:
        uses.setdefault(message.envelope.message_id, (fingerprint(message.envelope), raw.name))


def fingerprint(envelope: Envelope) -> str:
    """Return what tells two messages apart: the signature value, or a digest of headers and content without layout."""
    if envelope.signature_value:
        return envelope.signature_value
    digest = hashlib.sha256()
    for element in envelope.root.iter(etree.Element):
        words = (str(element.tag), (element.text or "").strip(), *map(str, sorted(element.attrib.values(), key=str)))
        digest.update("\x00".join(words).encode("utf-8", "surrogatepass") + b"\x01")
    return digest.hexdigest()
