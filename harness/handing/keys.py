"""Read the certificate and key that sign a report, and refuse the keys that may not."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.check import secret
from harness.errors import KetentestError, UnusableInput, reason_of
from harness.run import Run

SigningKeyType = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
SERVER: Final = frozenset({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH})
BSN_ROLES: Final = ("bsn-encryption", "encryption")


@dataclass(frozen=True)
class SigningKey:
    """A certificate, the certificates above it, and the key: in memory, or in a device that pyHanko talks to."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    key: SigningKeyType | None = field(default=None, repr=False)
    device: Any = field(default=None, repr=False)

    @property
    def subject(self) -> str:
        """The organisation and common name of the certificate."""
        return name_of(self.certificate.subject)

    @property
    def issuer(self) -> str:
        """The common name of who issued the certificate."""
        return name_of(self.certificate.issuer)

    @property
    def is_signature(self) -> bool:
        """Whether the certificate is made for signatures; a server certificate only shows integrity."""
        return made_for_signatures(self.certificate)


def made_for_signatures(certificate: x509.Certificate) -> bool:
    """Whether a certificate is made for signatures of people or organisations: non-repudiation, and not for TLS."""
    usage = _extension(certificate, x509.KeyUsage)
    return bool(usage and usage.content_commitment) and not SERVER & extended_usage(certificate)


def extended_usage(certificate: x509.Certificate) -> frozenset[x509.ObjectIdentifier]:
    """Return the extended key usages of a certificate; empty when it names none."""
    return frozenset(_extension(certificate, x509.ExtendedKeyUsage) or ())


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def name_of(name: x509.Name) -> str:
    """Return organisation and common name in one line.

    >>> name_of(x509.Name.from_rfc4514_string("CN=Jan,O=Gemeente,C=NL"))
    'Jan (Gemeente)'
    """
    oids = x509.NameOID
    common = [str(a.value) for a in name.get_attributes_for_oid(oids.COMMON_NAME)]
    organisation = [str(a.value) for a in name.get_attributes_for_oid(oids.ORGANIZATION_NAME)]
    if common and organisation:
        return f"{common[0]} ({organisation[0]})"
    return (common or organisation or [name.rfc4514_string()])[0]


def load(reference: str, key: str = "", password: str = "") -> SigningKey:
    """Return what signs: a PEM file with its key (there, `env:NAME` or `file:PATH`), a PKCS#12 file, or a PKCS#11 URI."""
    if reference.startswith("pkcs11:"):
        return _from_device(reference, password)
    path = Path(reference)
    try:
        data = path.read_bytes()
    except OSError as wrong:
        reason = reason_of(wrong)
        raise _unusable(f"{path}: niet te lezen ({reason.nl})", f"{path}: cannot be read ({reason.en})") from None
    word = secret(password).encode() if password else None
    found = _from_pem(path, data, key, word) if b"-----BEGIN" in data else _from_pkcs12(path, data, word)
    return _fitting(path, *found)


def _from_pem(path: Path, data: bytes, key: str, password: bytes | None) -> tuple[list[x509.Certificate], Any]:
    try:
        chain = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise _unusable(f"{path}: geen certificaat in PEM", f"{path}: no certificate in PEM") from None
    material = secret(key).encode() if key else data
    try:
        return chain, serialization.load_pem_private_key(material, password)
    except (ValueError, TypeError):
        raise _unusable(
            f"{path}: de privésleutel is niet te lezen; geef --sign-key env:NAAM of file:PAD en zo nodig --sign-password",
            f"{path}: the private key cannot be read; give --sign-key env:NAME or file:PATH and, if needed, --sign-password",
        ) from None


def _from_pkcs12(path: Path, data: bytes, password: bytes | None) -> tuple[list[x509.Certificate], Any]:
    try:
        store = pkcs12.load_pkcs12(data, password)
    except ValueError:
        store = None
    if store is None or store.cert is None or store.key is None:
        raise _unusable(
            f"{path}: het PKCS#12-bestand is niet te openen; geef --sign-password env:NAAM of file:PAD",
            f"{path}: the PKCS#12 file cannot be opened; give --sign-password env:NAME or file:PATH",
        )
    return [store.cert.certificate, *(c.certificate for c in store.additional_certs)], store.key


def _fitting(path: Path, chain: list[x509.Certificate], key: Any) -> SigningKey:
    """Put the certificate of the key first; refuse a key that fits none or cannot sign."""
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _unusable(
            f"{path}: dit soort sleutel kan niet ondertekenen; gebruik RSA of ECDSA",
            f"{path}: this kind of key cannot sign; use RSA or ECDSA",
        )
    public = public_of(key)
    leaf = next((c for c in chain if public_of(c) == public), None)
    if leaf is None:
        raise _unusable(
            f"{path}: de privésleutel hoort niet bij het certificaat",
            f"{path}: the key does not belong to the certificate",
        )
    return SigningKey(leaf, tuple(c for c in chain if c != leaf), key)


def public_of(holder: Any) -> bytes:
    """Return the public key of a certificate or a private key, to compare."""
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[no-any-return]


def _from_device(uri: str, password: str) -> SigningKey:
    """Open a token by its URI: `pkcs11:token=T;object=LABEL?module-path=/usr/lib/…so`."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    said = {k: unquote(v) for k, _, v in (part.partition("=") for part in path.split(";"))} | dict(parse_qsl(query))
    if not {"object", "module-path"} <= said.keys():
        raise _unusable(
            "schrijf een PKCS#11-sleutel als pkcs11:token=NAAM;object=LABEL?module-path=/pad/naar/module.so",
            "write a PKCS#11 key as pkcs11:token=NAME;object=LABEL?module-path=/path/to/module.so",
        )
    try:
        from pyhanko.config.pkcs11 import TokenCriteria
        from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session
    except ImportError:
        raise _unusable(
            "voor PKCS#11 zijn ketentest[sign] en python-pkcs11 nodig",
            "PKCS#11 needs ketentest[sign] and python-pkcs11",
        ) from None
    try:
        wanted = TokenCriteria(label=said["token"]) if "token" in said else None
        pin = secret(password) if password else None
        session = open_pkcs11_session(said["module-path"], token_criteria=wanted, user_pin=pin)
        signer = PKCS11Signer(session, cert_label=said["object"], key_label=said["object"])
        leaf = x509.load_der_x509_certificate(signer.signing_cert.dump())
    except KetentestError:
        raise
    except Exception as wrong:  # noqa: BLE001 - each module has errors of its own; the user needs one sentence
        raise _unusable(
            f"de PKCS#11-sleutel is niet te openen ({type(wrong).__name__}); controleer module, token, object en pincode",
            f"the PKCS#11 key cannot be opened ({type(wrong).__name__}); check module, token, object and PIN",
        ) from None
    chain = tuple(x509.load_der_x509_certificate(c.dump()) for c in signer.cert_registry if c != signer.signing_cert)
    return SigningKey(leaf, chain, device=signer)


def refuse(signing: SigningKey, runs: tuple[Run, ...], now: datetime) -> None:
    """Raise UnusableInput for a key that may not sign a report: dedicated to TVS, for BSNs, expired, or not for signing."""
    certificate = signing.certificate
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise _unusable(
            "met een certificaat voor versleuteling wordt niet ondertekend; kies een certificaat met digitalSignature of nonRepudiation",
            "an encryption certificate does not sign; choose a certificate with digitalSignature or nonRepudiation",
        )
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise _unusable(
            "het certificaat is nu niet geldig; kies een geldig certificaat",
            "the certificate is not valid now; choose a valid certificate",
        )
    print_, public = certificate.fingerprint(hashes.SHA256()).hex(), public_of(certificate)
    for run in runs:
        for system, role, mine in (*_seen(run), *_configured(run)):
            if mine not in (print_, public):
                continue
            if role.startswith(BSN_ROLES):
                raise _unusable(
                    "dit is het certificaat waarmee BSN’s worden ontsleuteld; daarmee wordt niets ondertekend, kies een ander",
                    "this is the certificate that decrypts BSNs; it signs nothing, choose another",
                )
            if system.startswith("tvs"):
                raise _unusable(
                    "dit certificaat is alleen voor TVS; het rapport krijgt een ander certificaat",
                    "this certificate is for TVS only; sign the report with another certificate",
                )


def _seen(run: Run) -> list[tuple[str, str, str | bytes]]:
    """Return system, role and fingerprint of every own certificate that the run mentions."""
    systems = {info.name: info.system for info in run.info.connections}
    found: list[tuple[str, str, str | bytes]] = []
    for info in run.info.connections:
        found += [(info.system, role, value) for role, value in info.certificates]
    for result in run.results:
        system = systems.get(result.connection, "")
        if result.certificate:
            found.append((system, "tls-client", result.certificate))
        for observation in result.observed:
            data = dict(observation.data)
            if data.get("role") and data.get("sha256"):
                found.append((system, data["role"], data["sha256"]))
    return found


def _configured(run: Run) -> list[tuple[str, str, str | bytes]]:
    """Return system, role and public key of every certificate in the scenario of the run; the folder may have gone."""
    from harness.chain import load as load_scenario
    from harness.scenario import LAB

    try:
        loaded = load_scenario(Path(run.info.scenario))
    except (KetentestError, OSError):
        return []
    found: list[tuple[str, str, str | bytes]] = []
    for connection in loaded.connections:
        for role, name in connection.certificates.items():
            entry = loaded.scenario.certificates.get(name)
            if entry is None or entry.cert == LAB:
                continue
            try:
                chain = x509.load_pem_x509_certificates((loaded.folder / entry.cert).read_bytes())
            except (OSError, ValueError):
                continue
            found.append((connection.system, role, public_of(chain[0])))
    return found


def _unusable(nl: str, en: str) -> UnusableInput:
    return UnusableInput(f"--sign: {nl}", f"--sign: {en}")
