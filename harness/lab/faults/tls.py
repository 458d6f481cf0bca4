"""The TLS configurations of the lab: each is a good server with one deviation, and names the rule that it provokes."""

from dataclasses import dataclass
from typing import Final, Literal

from harness.model import Text

ClientCertificate = Literal["required", "optional", "ignored", "any", "http"]
Chain = Literal[
    "complete", "leaf-only", "no-domain-ca", "no-tsp-ca", "wrong-order", "with-root", "duplicate", "with-stranger"
]
Behaviour = Literal["tls", "plaintext", "other-service", "silent", "reset", "hang-up", "down"]


@dataclass(frozen=True)
class TlsConfig:
    """How one listener behaves; the default is a server as Digikoppeling wants it.

    `profile` replaces the certificate by that profile of `profiles.toml`, for the same host and OIN. `rule` is the id
    that this configuration provokes, empty when nothing may be said of it.
    """

    rule: str = ""
    text: Text = Text("", "")
    behaviour: Behaviour = "tls"
    profile: str = ""
    chain: Chain = "complete"
    client_certificate: ClientCertificate = "required"
    trusts: tuple[str, ...] = ("g1", "g4", "g4-other")
    check_crl: bool = False
    minimum: str = "1.2"
    maximum: str = "1.3"
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    dh_bits: int = 0
    curve: str = ""
    renegotiation: bool = False
    extended_master_secret: bool = True
    ca_names: tuple[str, ...] = ()
    stapled: str = ""
    without_sni: str = ""
    refuse_sni: bool = False
    resumption: bool = True
    delay: float = 0.0
    clock: float = 0.0
    close: bool = False
    largest_record: int = 0
    second: str = ""

    @property
    def needs_openssl(self) -> bool:
        """Whether only pyOpenSSL can serve this: stapling, CA names, FFDHE, or accepting any client certificate."""
        return bool(self.stapled or self.ca_names or self.dh_bits or self.client_certificate == "any")


GOOD: Final = TlsConfig()

_OLD: Final = "ALL:!aNULL:!eNULL:@SECLEVEL=0"


def _shown(rule: str, nl: str, en: str, **deviation: object) -> TlsConfig:
    return TlsConfig(rule, Text(nl, en), **deviation)  # type: ignore[arg-type]


CONFIGURATIONS: Final = {
    # versions
    "tls12-only": _shown("TLS-002", "alleen TLS 1.2", "TLS 1.2 only", maximum="1.2"),
    "tls13-only": _shown("TLS-001", "alleen TLS 1.3", "TLS 1.3 only", minimum="1.3"),
    "tls10-too": _shown("TLS-003", "ook TLS 1.0 en 1.1", "TLS 1.0 and 1.1 as well", minimum="1.0", ciphers=_OLD),
    "tls11-only": _shown("TLS-003", "alleen TLS 1.1", "TLS 1.1 only", minimum="1.1", maximum="1.1", ciphers=_OLD),
    # suites, key exchange, protocol details
    "cbc-suites": _shown("TLS-004", "CBC-suites (uit te faseren)", "CBC suites (phase out)", ciphers="ECDHE+AESGCM:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"),
    "sha1-suites": _shown("TLS-004", "suites met SHA-1 (onvoldoende)", "suites with SHA-1 (insufficient)", ciphers="ECDHE+AESGCM:ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
    "static-rsa": _shown("TLS-005", "sleuteluitwisseling met alleen RSA", "static RSA key exchange", maximum="1.2", ciphers="AES256-GCM-SHA384:AES128-GCM-SHA256"),
    "dhe": _shown("TLS-005", "sleuteluitwisseling met DHE", "DHE key exchange", maximum="1.2", ciphers="DHE+AESGCM", dh_bits=3072),
    "weak-dhe": _shown("TLS-005", "DHE met 2048 bits", "DHE with 2048 bits", maximum="1.2", ciphers="DHE+AESGCM", dh_bits=2048),
    "other-curve": _shown("TLS-005", "kromme secp224r1", "curve secp224r1", maximum="1.2", curve="secp224r1"),
    "renegotiation": _shown("TLS-006", "client mag heronderhandelen", "client may renegotiate", maximum="1.2", renegotiation=True),
    "no-extended-master-secret": _shown("TLS-007", "TLS 1.2 zonder extended master secret", "TLS 1.2 without extended master secret", maximum="1.2", extended_master_secret=False),
    # names and addresses
    "other-certificate-without-sni": _shown("TLS-010", "ander certificaat zonder SNI", "another certificate without SNI", without_sni="wrong-host"),
    "sni-refused": _shown("TLS-010", "weigert de hostnaam (SNI)", "refuses the host name (SNI)", refuse_sni=True),
    "two-addresses": _shown("NET-010", "tweede adres met een ander certificaat", "second address with another certificate", second="rsa-2048"),
    "second-address-ignores-clients": _shown("NET-010", "tweede adres vraagt geen certificaat", "second address asks for no certificate", second="certificate-ignored"),
    # mutual TLS
    "certificate-ignored": _shown("MTLS-001", "vraagt geen clientcertificaat", "asks for no client certificate", client_certificate="ignored"),
    "certificate-optional": _shown("MTLS-002", "clientcertificaat mag ontbreken", "client certificate may be absent", client_certificate="optional"),
    "certificate-http": _shown("MTLS-002", "weigert pas in HTTP (400)", "refuses in HTTP only (400)", client_certificate="http"),
    "any-client": _shown("MTLS-003", "elk clientcertificaat is goed", "any client certificate will do", client_certificate="any"),
    "untrusted-ca": _shown("MTLS-004", "vertrouwt onze uitgever niet", "does not trust our issuer", trusts=("stranger",)),
    "g1-only": _shown("", "vertrouwt alleen G1", "trusts G1 only", trusts=("g1",)),
    "g4-only": _shown("MTLS-004", "vertrouwt alleen G4", "trusts G4 only", trusts=("g4", "g4-other")),
    "foreign-ca-names": _shown("PKIO-CHAIN-010", "noemt alleen vreemde CA's", "names foreign CAs only", ca_names=("stranger",)),
    "checks-crl": _shown("", "controleert de CRL", "checks the CRL", check_crl=True),
    # the chain that is sent
    "leaf-only": _shown("PKIO-CHAIN-006", "stuurt alleen het eindcertificaat", "sends the leaf only", chain="leaf-only"),
    "no-domain-ca": _shown("PKIO-CHAIN-006", "stuurt de domein-CA niet mee", "does not send the domain CA", chain="no-domain-ca"),
    "missing-tsp": _shown("PKIO-CHAIN-006", "stuurt de TSP-CA niet mee", "does not send the TSP CA", chain="no-tsp-ca"),
    "wrong-order": _shown("PKIO-CHAIN-007", "keten in verkeerde volgorde", "chain in the wrong order", chain="wrong-order"),
    "with-root": _shown("PKIO-CHAIN-008", "stuurt het stamcertificaat mee", "sends the root as well", chain="with-root"),
    "duplicate": _shown("PKIO-CHAIN-008", "stuurt een CA dubbel", "sends a CA twice", chain="duplicate"),
    "with-stranger": _shown("PKIO-CHAIN-008", "stuurt een vreemd certificaat mee", "sends an unrelated certificate", chain="with-stranger"),
    # the certificate
    "expired": _shown("PKIO-VAL-001", "certificaat verlopen", "certificate expired", profile="expired"),
    "not-yet-valid": _shown("PKIO-VAL-001", "certificaat nog niet geldig", "certificate not yet valid", profile="not-yet-valid"),
    "expires-soon": _shown("PKIO-VAL-002", "certificaat verloopt binnenkort", "certificate expires soon", profile="expires-soon"),
    "lasts-too-long": _shown("PKIO-VAL-003", "certificaat langer dan drie jaar geldig", "certificate valid for over three years", profile="lasts-too-long"),
    "wrong-host": _shown("PKIO-SAN-002", "certificaat voor een andere host", "certificate for another host", profile="wrong-host"),
    "cn-only": _shown("PKIO-SAN-001", "hostnaam alleen in de CN", "host name in the CN only", profile="cn-only"),
    "wildcard": _shown("PKIO-SAN-004", "wildcard-certificaat", "wildcard certificate", profile="wildcard"),
    "ip-address": _shown("PKIO-SAN-005", "IP-adres in het certificaat", "IP address in the certificate", profile="ip-address"),
    "sha1": _shown("PKIO-SIG-001", "ondertekend met SHA-1", "signed with SHA-1", profile="sha1"),
    "md5": _shown("PKIO-SIG-001", "ondertekend met MD5", "signed with MD5", profile="md5"),
    "rsa-1024": _shown("PKIO-KEY-001", "RSA-sleutel van 1024 bits", "RSA key of 1024 bits", profile="rsa-1024"),
    "rsa-2048": _shown("PKIO-KEY-001", "RSA-sleutel van 2048 bits", "RSA key of 2048 bits", profile="rsa-2048"),
    "ec": _shown("", "EC-sleutel P-256", "EC key P-256", profile="ec", ciphers="ECDHE+AESGCM:ECDHE+CHACHA20"),
    "pss": _shown("", "G4-keten met RSASSA-PSS", "G4 chain with RSASSA-PSS", profile="counterparty-g4"),
    "self-signed": _shown("PKIO-CHAIN-001", "zelfondertekend certificaat", "self-signed certificate", profile="self-signed"),
    "look-alike": _shown("PKIO-CHAIN-002", "CA met dezelfde naam en een andere sleutel", "CA with the same name and another key", profile="look-alike"),
    "public-web": _shown("PKIO-CHAIN-005", "publiek webcertificaat", "public web certificate", profile="public-web"),
    "no-server-auth": _shown("PKIO-KU-004", "certificaat niet bedoeld voor servers", "certificate not meant for servers", profile="no-server-auth"),
    "other-oin": _shown("PKIO-OIN-009", "certificaat met een ander OIN dan afgesproken", "certificate with another OIN than agreed", profile="other-oin"),
    "other-certificate": _shown("TLS-012", "ander certificaat dan in het CPA", "another certificate than in the CPA", profile="renewed"),
    "revoked": _shown("PKIO-REV-004", "ingetrokken certificaat", "revoked certificate", profile="revoked"),
    "stapled-good": _shown("", "stuurt een goed OCSP-antwoord mee", "staples a good OCSP answer", stapled="good"),
    "stapled-revoked": _shown("PKIO-REV-009", "stuurt OCSP-antwoord 'ingetrokken' mee", "staples the OCSP answer 'revoked'", stapled="revoked"),
    "stapled-stale": _shown("PKIO-REV-009", "stuurt een verlopen OCSP-antwoord mee", "staples a stale OCSP answer", stapled="stale"),
    "stapled-wrong-signer": _shown("PKIO-REV-009", "stuurt een OCSP-antwoord van een vreemde mee", "staples an OCSP answer of a stranger", stapled="wrong-signer"),
    "intercepting-proxy": _shown("NET-004", "een bedrijfsproxy opent de verbinding", "a company proxy opens the connection", profile="inspected", client_certificate="ignored"),
    # the line
    "plaintext": _shown("NET-005", "gewone HTTP op de TLS-poort", "plain HTTP on the TLS port", behaviour="plaintext"),
    "other-service": _shown("NET-005", "een andere dienst (SSH) op de poort", "another service (SSH) on the port", behaviour="other-service"),
    "slow-handshake": _shown("TLS-011", "antwoordt niet op de handshake", "does not answer the handshake", behaviour="silent"),
    "reset": _shown("NET-002", "breekt de verbinding af (RST)", "resets the connection (RST)", behaviour="reset"),
    "hang-up": _shown("NET-002", "hangt meteen op", "hangs up at once", behaviour="hang-up"),
    "down": _shown("NET-002", "poort dicht", "port closed", behaviour="down"),
    "slow-answer": _shown("MTLS-004", "antwoordt niet na de handshake", "does not answer after the handshake", delay=3600.0),
    "clock-skew": _shown("NET-006", "klok van de server loopt tien minuten achter", "server clock ten minutes slow", clock=-600.0),
    "small-records": _shown("NET-007", "verliest berichten boven 16 kB", "loses messages over 16 kB", largest_record=16384),
    "no-keep-alive": _shown("NET-008", "sluit na elk antwoord", "closes after each answer", close=True),
}  # fmt: skip
"""Every configuration by name; the names are valid faults of each counterparty."""


def faults() -> dict[str, Text]:
    """Return the TLS faults with their explanation."""
    return {name: config.text for name, config in CONFIGURATIONS.items()}
