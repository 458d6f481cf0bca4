"""A second opinion on a signature, by signxml: our own reading of our own message proves nothing by itself."""

from datetime import datetime

from cryptography import x509

from harness.wire.soap import SOAP, WSSE


def second_opinion(raw: bytes, certificate: x509.Certificate, references: int, at: datetime) -> str:
    """Return an empty string when signxml accepts the signature of `raw`, else its objection.

    The location is pinned, SHA-1 is refused, and the schema is not consulted: it does not know
    `ec:InclusiveNamespaces` or a SecurityTokenReference inside KeyInfo.
    """
    from lxml import etree
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    where = f"./{{{SOAP}}}Header/{{{WSSE}}}Security/"
    expected = SignatureConfiguration(location=where, expect_references=references, verification_time=at)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        XMLVerifier().verify(raw, x509_cert=certificate, expect_config=expected, validate_schema=False, parser=parser)
    except (SignXMLException, ValueError) as wrong:
        return str(wrong)[:200]
    return ""
