"""What came along with a certificate: CAs, the rest of the set, CRLs, OCSP answers, keys, agreements; and the anchors."""

from dataclasses import dataclass, replace
from functools import lru_cache

from harness.errors import DocumentUnreadable
from harness.lint.judge import Context, Raw
from harness.lint.pki.agreed import Holder, holders
from harness.lint.pki.policy import policy
from harness.wire import certfile, certpath
from harness.wire.certfile import Content, PrivateKey
from harness.wire.crl import Crl, read_crl
from harness.wire.keys import Proof, read_proof
from harness.wire.lazy import lazy
from harness.wire.x509 import Certificate


def password_of(ctx: Context) -> bytes | None:
    """Return the password for PKCS#12 files and keys, when one was given."""
    return ctx.setting("password").encode() if "password" in ctx.settings else None


def open_raw(raw: Raw, ctx: Context) -> Content:
    """Open a document with the password that was given."""
    return certfile.opened(raw.data, password_of(ctx))


@dataclass(frozen=True)
class Companions:
    """What `--with` brought: authorities for the path, the other certificates of the set, CRLs, OCSP answers, agreements."""

    authorities: tuple[Certificate, ...]
    others: tuple[tuple[str, Certificate], ...]
    crls: tuple[tuple[Crl | None, str], ...]
    ocsp: tuple[bytes, ...]
    keys: tuple[tuple[str, PrivateKey], ...]
    proofs: tuple[Proof, ...]
    registers: tuple[bytes, ...]
    holders: tuple[Holder, ...]

    @lazy
    def only_authorities(self) -> bool:
        """Whether nothing came along but CA certificates and what tells of revocation."""
        return not (self.others or self.keys or self.proofs or self.registers or self.holders)

    def related(self, relation: str) -> list[Certificate]:
        """Return the certificates that were given with this relation (`preprod`, `previous`, a role …)."""
        return [c for name, c in self.others if name == relation]


@lru_cache(maxsize=8)
def _companions(raws: tuple[Raw, ...], password: bytes | None) -> Companions:
    authorities, others, crls, keys, registers = [], [], [], [], []
    ocsp: list[bytes] = []
    proofs: list[Proof] = []
    agreed: list[Holder] = []
    for raw in raws:
        begin = raw.data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if begin in {b"{", b"["}:
            proof = read_proof(raw.data)
            if proof:
                proofs.append(proof)
            else:
                registers.append(raw.data)
            continue
        if begin == b"<":
            agreed += holders(raw)
            continue
        try:
            content = certfile.opened(raw.data, password)
        except DocumentUnreadable:
            continue
        for certificate in content.certificates:
            if certificate.is_ca and not raw.relation:
                authorities.append(certificate)
            elif not certificate.is_ca:
                others.append((raw.relation, certificate))
        crls += [(read_crl(crl), content.form) for crl in content.crls]
        if not (content.crls or content.certificates) and raw.name.lower().endswith(".crl"):
            crls.append((None, content.form))
        ocsp += content.ocsp
        keys += [(raw.relation, replace(key, mode=raw.mode)) for key in content.keys]
    return Companions(
        tuple(authorities),
        tuple(others),
        tuple(crls),
        tuple(ocsp),
        tuple(keys),
        tuple(proofs),
        tuple(registers),
        tuple(agreed),
    )


def companions(ctx: Context) -> Companions:
    """Return the companions of this context, read once."""
    return at_hand(ctx)[1]


def at_hand(ctx: Context) -> tuple[Context, Companions, certpath.Store]:
    """Return what came along with a context; one context is asked many times in a row, so the last one is kept."""
    kept = _LAST[0] if _LAST else None
    if kept is None or kept[0] is not ctx:
        beside = _companions(ctx.companions, password_of(ctx))
        kept = (ctx, beside, store_for(ctx.trust, beside.authorities))
        _LAST[:] = [kept]
    return kept


_LAST: list[tuple[Context, Companions, certpath.Store]] = []


@lru_cache(maxsize=8)
def _anchors(trust: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    return tuple(c for data in trust for c in certfile.opened(data).certificates)


def anchors_of(ctx: Context) -> tuple[Certificate, ...]:
    """Return the anchors: what `--trust` gave, else the pinned roots among the companions."""
    return tuple(at_hand(ctx)[2].anchors)


@lru_cache(maxsize=8)
def store_for(trust: tuple[bytes, ...], authorities: tuple[Certificate, ...]) -> certpath.Store:
    """Return the store of these authorities under the anchors: those that were given, else the pinned roots among them."""
    if trust:
        return certpath.Store(_anchors(trust), authorities)
    pins = policy().by_digest
    roots = [c for c in authorities if c.sha256 in pins and pins[c.sha256].level == 1]
    return certpath.Store(roots, authorities)
