"""The KeyDescriptors and the certificates in them (F)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import BEHIND, CLUSTER, DIRECT, Delivered, saw
from harness.model import Finding, NotRun, Text
from harness.wire.saml import AES256_CBC, RSA_OAEP
from harness.wire.saml_keys import KeyCertificate, decode_base64
from harness.wire.saml_metadata import Key, Role

table: RuleTable[Delivered] = RuleTable()

SOON: Final = timedelta(days=30)
_HEX: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_POLICIES: Final = ("2.16.528.1.1003.1.2.8.", "2.16.528.1.1003.1.2.44.", "2.16.528.1.1007.")


@table.rule("SAML-MD-501")
def key_use(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Every key says what it is for (8.3)."""
    for _, _, key in doc.keyed:
        if key.use not in ("signing", "encryption"):
            yield saw("SAML-MD-501", key.element, key.use or "—", "signing, encryption")


def _counted(role: Role) -> Counter[str]:
    return Counter(key.use for key in role.keys)


def _shown(uses: Counter[str]) -> str:
    return ", ".join(f"{uses[use]} × {use}" for use in ("signing", "encryption"))


@table.rule("SAML-MD-502", "SAML-MD-505")
def keys_of_direct(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A direct DV lists signing and encryption keys, not more than rollover explains (8.3)."""
    for _, role, position in doc.providers:
        if position != DIRECT:
            continue
        uses = _counted(role)
        if not uses["signing"] or not uses["encryption"]:
            yield saw("SAML-MD-502", role.element, _shown(uses), "≥ 1 × signing, ≥ 1 × encryption")
        if uses["signing"] > 4 or uses["encryption"] > 2:
            yield saw("SAML-MD-505", role.element, _shown(uses), "≤ 4 × signing, ≤ 2 × encryption")


@table.rule("SAML-MD-503")
def keys_of_lc(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """An LC lists one to four signing keys and never one to encrypt to (8.4.2)."""
    for _, role, position in doc.providers:
        if position != CLUSTER:
            continue
        uses = _counted(role)
        if not uses["signing"] or len(role.keys) > 4:
            yield saw("SAML-MD-503", role.element, _shown(uses), "1…4 × signing")
        if uses["encryption"]:
            yield saw("SAML-MD-503", role.used_for("encryption")[0].element, _shown(uses), case="encryption")


@table.rule("SAML-MD-504")
def keys_of_provider_behind(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A DV behind an LC lists one or two encryption keys (8.4.3)."""
    for _, role, position in doc.providers:
        if position != BEHIND:
            continue
        uses = _counted(role)
        if not uses["encryption"] or len(role.keys) > 2:
            yield saw("SAML-MD-504", role.element, _shown(uses), "1…2 × encryption")
        if uses["signing"]:
            yield saw("SAML-MD-504", role.used_for("signing")[0].element, _shown(uses), case="signing")


@table.rule("SAML-MD-506")
def key_name(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Exactly one KeyName per key: messages refer to it (8.3)."""
    for _, _, key in doc.keyed:
        if len(key.names) != 1 or not key.name:
            yield saw("SAML-MD-506", key.element, f"{len([n for n in key.names if n.strip()])}", "1 × ds:KeyName")


@table.rule("SAML-MD-507")
def key_name_names_one(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A KeyName designates one certificate within an entity (9.2)."""
    first: dict[tuple[int, str], bytes] = {}
    for entity, key, certificate in doc.certified:
        if key.name and first.setdefault((id(entity), key.name), certificate.der) != certificate.der:
            yield saw("SAML-MD-507", key.element, key.name)


@table.rule("SAML-MD-508")
def key_name_is_fingerprint(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """By custom the KeyName is the SHA-1 of the certificate; a fingerprint of another one is a stale copy."""
    for _, key, certificate in doc.certified:
        if not key.name or key.name in (certificate.sha1, certificate.sha256):
            continue
        plain = re.sub(r"[\s:]", "", key.name).lower()
        if _HEX.fullmatch(plain) and plain not in (certificate.sha1, certificate.sha256):
            yield saw("SAML-MD-508", key.element, key.name, certificate.sha1, case="stale")
        else:
            yield saw("SAML-MD-508", key.element, key.name, certificate.sha1)


@table.rule("SAML-MD-509", "SAML-MD-520")
def one_certificate(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Each key carries one certificate as bare base64 of DER (8.3)."""
    for _, _, key in doc.keyed:
        if len(key.texts) != 1 or key.blocks != 1:
            shown = f"{len(key.texts)} × X509Certificate, {key.blocks} × X509Data"
            yield saw("SAML-MD-509", key.element, shown, "1", case="count")
        armour = next((text for text in key.texts if "-----" in text), "")
        if armour:
            secret = "PRIVATE KEY" in armour
            shown = "-----BEGIN … PRIVATE KEY-----" if secret else "-----BEGIN …-----"
            yield saw("SAML-MD-520", key.element, shown, case="private-key" if secret else "")
        elif any(text.strip() and decode_base64(text) is None for text in key.texts[key.certificate is not None :]):
            yield saw("SAML-MD-520", key.element, _beginning(key), "base64")
        if key.texts and key.certificate is None:
            yield saw("SAML-MD-509", key.element, _beginning(key))


def _beginning(key: Key) -> str:
    text = key.texts[0].strip()
    return "…" if "PRIVATE" in text else f"{text[:40]}{'…' if len(text) > 40 else ''}" or "—"


@table.rule("SAML-MD-510", "SAML-MD-518")
def in_period(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Every certificate is valid now, and does not end soon without a successor (9.1)."""
    for entity, key, certificate in doc.certified:
        if certificate.not_after <= ctx.at:
            yield saw("SAML-MD-510", key.element, f"{certificate.not_after:%Y-%m-%d}", f"> {ctx.at:%Y-%m-%d}")
        elif certificate.not_before > ctx.at:
            shown = f"{certificate.not_before:%Y-%m-%d}"
            yield saw("SAML-MD-510", key.element, shown, f"≤ {ctx.at:%Y-%m-%d}", case="not-yet")
        elif certificate.not_after < ctx.at + SOON and not _successor(entity.used_for(key.use), certificate, ctx.at):
            yield saw("SAML-MD-518", key.element, f"{certificate.not_after:%Y-%m-%d}", f"≥ {ctx.at + SOON:%Y-%m-%d}")


def _successor(keys: tuple[Key, ...], certificate: KeyCertificate, at: datetime) -> bool:
    """Whether another key of the same subject takes over: same use, ends later."""
    return any(
        k.certificate and k.certificate.not_after >= at + SOON and k.certificate.subject == certificate.subject
        for k in keys
    )


@table.rule("SAML-MD-511")
def strong_key(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """RSA of at least 2048 bits, and no certificate signed with SHA-1 (9.1, 9.4)."""
    for _, key, certificate in doc.certified:
        if certificate.rsa_bits < 2048:
            shown = f"RSA {certificate.rsa_bits}" if certificate.rsa_bits else Text("geen RSA", "not RSA")
            yield saw("SAML-MD-511", key.element, shown, "RSA ≥ 2048")
        if certificate.hash_name in ("sha1", "md5"):
            yield saw("SAML-MD-511", key.element, certificate.hash_name, "sha256", case="hash")


@table.rule("SAML-MD-512")
def certificate_oin(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The OIN in each certificate is that of the entity it stands under (8.4.2, 8.4.3)."""
    for entity, key, certificate in doc.certified:
        if entity.name and certificate.oin != entity.name.oin:
            yield saw("SAML-MD-512", key.element, certificate.oin or "—", entity.name.oin)


@table.rule("SAML-MD-513")
def trusted_chain(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """Every certificate leads to a PKIoverheid or UZI anchor (8.3)."""
    if doc.trust is None:
        yield from not_run(
            ("SAML-MD-513",),
            Text("geen vertrouwensankers opgegeven (--trust)", "no trust anchors given (--trust)"),
        )
        return
    known: dict[bytes, bool] = {}
    for _, key, certificate in doc.certified:
        if certificate.der not in known:
            known[certificate.der] = doc.trust.chains(certificate.certificate)
        if not known[certificate.der]:
            yield saw("SAML-MD-513", key.element, certificate.issuer)


@table.rule("SAML-MD-514")
def key_usage(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """KeyUsage allows what the key is listed for (9.1)."""
    for _, key, certificate in doc.certified:
        if key.use == "signing" and certificate.digital_signature is False:
            yield saw("SAML-MD-514", key.element, "use=signing", "digitalSignature")
        if key.use == "encryption" and certificate.key_encipherment is False:
            yield saw("SAML-MD-514", key.element, "use=encryption", "keyEncipherment")


@table.rule("SAML-MD-515")
def tls_client_listed(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The client certificate of the back channel is listed as a signing key (8.1)."""
    for _, role, position in doc.providers:
        signing = role.used_for("signing")
        readable = [key.certificate for key in signing if key.certificate]
        if position != BEHIND and signing and not any(c.client_auth for c in readable):
            yield saw("SAML-MD-515", role.element, "—", "extendedKeyUsage clientAuth")


@table.rule("SAML-MD-516", "SAML-MD-517")
def certificate_once(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A certificate serves one purpose and is listed once."""
    for _, role, position in doc.providers:
        uses: dict[bytes, set[str]] = defaultdict(set)
        for key in role.keys:
            if key.certificate is None:
                continue
            listed = uses[key.certificate.der]
            if key.use in listed:
                yield saw("SAML-MD-517", key.element, key.certificate.sha1)
            elif listed and position != BEHIND:
                yield saw("SAML-MD-516", key.element, key.certificate.sha1)
            listed.add(key.use)


@table.rule("SAML-MD-519")
def encryption_key_is_own(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Only the DV itself can decrypt: no certificate shared with another organisation or with the LC."""
    if not doc.clustered:
        return
    of_lc = {c.der for e, _, c in doc.certified if doc.position(e) == CLUSTER}
    owner: dict[bytes, str] = {}
    for entity, key, certificate in doc.certified:
        if key.use != "encryption" or doc.position(entity) == CLUSTER:
            continue
        oin = entity.name.oin if entity.name else entity.entity_id
        first = owner.setdefault(certificate.der, oin)
        if certificate.der in of_lc:
            yield saw("SAML-MD-519", key.element, certificate.sha1, case="lc")
        elif first != oin:
            yield saw(
                "SAML-MD-519",
                key.element,
                Text(f"{certificate.sha1}, ook van {first}", f"{certificate.sha1}, also of {first}"),
            )


@table.rule("SAML-MD-521")
def encryption_method(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """What is offered besides is never used: aes256-cbc with rsa-oaep-mgf1p (9.3)."""
    for _, _, key in doc.keyed:
        strange = [method for method in key.methods if method not in _instead(key.methods)]
        if strange:
            yield saw("SAML-MD-521", key.element, ", ".join(strange), f"{AES256_CBC}, {RSA_OAEP}")


def _instead(methods: tuple[str, ...]) -> tuple[str, ...]:
    """Return the methods that are harmless: the two that are used, and what is offered beside them."""
    known = tuple(method for method in (AES256_CBC, RSA_OAEP) if method in methods)
    return known + tuple(m for m in methods if (RSA_OAEP if "rsa" in m else AES256_CBC) in known)


@table.rule("SAML-MD-524", "SAML-MD-525")
def rollover(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Old and new certificate side by side: how long they overlap, and the active one first."""
    for _, role, position in doc.providers:
        encryption = [key for key in role.used_for("encryption") if key.certificate]
        pairs = sorted((k.certificate for k in encryption if k.certificate), key=lambda c: c.not_before)
        for old, new in pairwise(pairs):
            days = (old.not_after - new.not_before).days
            shown = Text(
                f"{old.sha1[:12]}… → {new.sha1[:12]}…, {days} dagen",
                f"{old.sha1[:12]}… → {new.sha1[:12]}…, {days} days",
            )
            yield saw("SAML-MD-524", role.element, shown, case="gap" if days < 0 else "")
        first = encryption[0].certificate if encryption else None
        if position == BEHIND and len(pairs) > 1 and first and not first.valid_at(ctx.at):
            yield saw("SAML-MD-525", encryption[0].element, f"{first.not_before:%Y-%m-%d} – {first.not_after:%Y-%m-%d}")


@table.rule("SAML-MD-526")
def policy(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The certificate policy is one of PKIoverheid private services or UZI."""
    for _, key, certificate in doc.certified:
        if not any(p.startswith(_POLICIES) for p in certificate.policies):
            yield saw("SAML-MD-526", key.element, ", ".join(certificate.policies) or "—", "2.16.528.1.1003.1.2.8.x")
