"""What the rules look at: a certificate with its role, its path, its companions and the profile that follows."""

from collections.abc import Iterable

from harness.lint.judge import Context
from harness.lint.pki.above import Above, above
from harness.lint.pki.agreed import Holder
from harness.lint.pki.companions import at_hand, companions, store_for
from harness.lint.pki.policy import Authority, PkiPolicy, Policy, Role, policy, read_policy
from harness.wire import certpath
from harness.wire.certfile import Content
from harness.wire.certpath import Path
from harness.wire.crl import Crl, read_crl
from harness.wire.csr import Request
from harness.wire.distinguished import COMMON_NAME
from harness.wire.lazy import lazy
from harness.wire.oin import Oin, length_fault
from harness.wire.x509 import CLIENT_AUTH, SERVER_AUTH, Certificate, Described

UZI_NAME = "2.5.5.5"
SENDERS = frozenset({"tls-server", "tls-client", "web"})


class Judged:
    """One certificate under judgement, and everything that follows from its context.

    `subject` is the certificate as far as a request has it too.
    """

    is_request = False

    def __init__(
        self,
        content: Content,
        certificate: Certificate,
        ctx: Context,
        *,
        served: bool = False,
        mode: int | None = None,
    ) -> None:
        self.content = content
        self.cert = certificate
        self.subject: Described = certificate
        self.at = ctx.at
        self.ctx = ctx
        self.served = content.certificates if served else ()
        self.mode = mode
        self.policy: Policy = policy()
        self.companions = companions(ctx)

    def holder(self, *documents: str) -> tuple[Holder, ...]:
        """Return the parties that this certificate is agreed for: those that hold it, else of the configured number.

        Where neither decides, every party of the documents may be the one.
        """
        if not self.companions.holders:
            return ()
        known = [one for one in self.companions.holders if one.document in documents]
        own = () if self.is_request else [one for one in known if self.cert.der in one.certificates]
        numbers = {*self.ctx.settings.get("oin", ()), *self.ctx.settings.get("suboin", ())}
        return tuple(own or [one for one in known if numbers & set(one.numbers)] or known)

    @lazy
    def agreed_hosts(self) -> tuple[str, ...]:
        """The hosts that the documents give to the holder of this certificate, in this role."""
        if not self.companions.holders or self.role_name not in {"tls-server", "web"}:
            return ()
        known = [one for one in self.companions.holders if one.document == "WSDL"]
        known += [
            one
            for one in self.holder("CPA", "metadata")
            if self.subject.oin in one.numbers or (not self.is_request and self.cert.der in one.certificates)
        ]
        found = (host for one in known for host in (one.browser if self.role_name == "web" else one.machine))
        return tuple(dict.fromkeys(found))

    @lazy
    def path(self) -> Path:
        """The path over everything at hand: the file, the companions and the anchors."""
        extra = tuple(c for c in self.content.certificates if c.is_ca)
        return self.path_over((*self.companions.authorities, *extra) if extra else self.companions.authorities)

    @lazy
    def above(self) -> Above:
        """The CAs of the path, with what is the same for every certificate below them."""
        return above(self.path.authorities)

    @lazy
    def anchors(self) -> frozenset[Certificate]:
        """The anchors of this judgement."""
        return at_hand(self.ctx)[2].anchors

    @lazy
    def crls(self) -> tuple[Crl, ...]:
        """The CRLs that came along and can be read."""
        found = (*(crl for crl, _ in self.companions.crls), *map(read_crl, self.content.crls))
        return tuple(crl for crl in found if crl is not None)

    def path_over(self, authorities: tuple[Certificate, ...]) -> Path:
        """Return the path over these authorities and the anchors only."""
        ready = authorities is self.companions.authorities
        store = at_hand(self.ctx)[2] if ready else store_for(self.ctx.trust, authorities)
        if not self.ctx.trust and self.cert.is_ca and self.pin(self.cert):
            return Path((self.cert,), complete=True)
        path = certpath.find_path(self.cert, store, self.at)
        if not path.complete and not self.ctx.trust and self.policy.vouches(self.pin(path.certificates[-1])):
            return Path(path.certificates, complete=True)
        return path

    def pin(self, certificate: Certificate) -> Authority | None:
        """Return the published CA that this certificate is, to the last octet."""
        return self.policy.by_digest.get(certificate.sha256)

    @lazy
    def known_issuer(self) -> Authority | None:
        """The published CA that issued the last certificate of the path, when only its certificate was not given."""
        if self.ctx.trust or self.path.complete or self.path.missing is None or self.path.impostors:
            return None
        known = self.policy.by_name.get(self.path.missing.first(COMMON_NAME))
        last = self.path.certificates[-1]
        if known is None or last.self_issued or not self.policy.vouches(known):
            return None
        key_id = last.aki.key_id.hex() if last.aki and last.aki.key_id else known.ski
        return known if not known.ski or key_id == known.ski else None

    @lazy
    def policies(self) -> tuple[PkiPolicy, ...]:
        """The PKIoverheid policies of the certificate."""
        return tuple(p for p in map(read_policy, self.cert.policies) if p)

    @lazy
    def generation(self) -> str:
        """The hierarchy it belongs to: by the pin of the anchor, else by the policies of its CAs, else by its own."""
        known = self.above.pin or (self.pin(self.cert) if self.cert.is_ca else None)
        if known:
            return known.generation
        named = self.above.generation or next((p.generation for p in self.policies), "")
        return named or ("public" if self.path.complete else "")

    @property
    def sends(self) -> bool:
        """Whether the file is what is sent in TLS, so that an absent CA is a fault of the sending (PKIO-CHAIN-006, -009)."""
        return bool(self.served) and self.role_name in SENDERS and not self.is_authority

    @lazy
    def is_g4(self) -> bool:
        """Whether the profile of the fourth generation applies."""
        return any(p.is_g4 for p in self.policies) or self.generation.startswith("g4")

    @lazy
    def is_authority(self) -> bool:
        """Whether this is a CA certificate of a hierarchy at hand, rather than a leaf."""
        named = self.cert.issuer.first(COMMON_NAME) in self.policy.by_name and not self.cert.self_issued
        return self.looks_like_authority and (self.path.complete or named)

    @lazy
    def looks_like_authority(self) -> bool:
        """Whether the certificate says of itself that it signs certificates, and names no host or organisation number."""
        signs = self.subject.key_usage is None or "keyCertSign" in self.subject.key_usage
        ca = self.subject.basic_constraints is not None and self.subject.basic_constraints[0]
        return ca and signs and not self.subject.dns_names and not self.subject.oin

    @lazy
    def is_uzi(self) -> bool:
        """Whether the profile of the UZI register applies: an UZI name, or a BSN certificate without an OIN."""
        named = any(n.kind == "other" and n.text == UZI_NAME for n in self.subject.names)
        return named or (self.role_name == "bsn-encryption" and not self.subject.oin)

    @lazy
    def role_name(self) -> str:
        """The role that was given, or the one that the certificate itself points at."""
        return self.ctx.role if self.ctx.role in self.policy.roles else self._own_role()

    def _own_role(self) -> str:
        usage = self.cert.extended_usage or ()
        bits = self.cert.key_usage or frozenset()
        if any(p.is_person for p in self.policies):
            return "beroep"
        if not self.policies and not self.subject.oin and any(p.startswith("2.23.140.1.2") for p in self.cert.policies):
            return "web"
        if SERVER_AUTH in usage or (not usage and self.subject.dns_names):
            return "tls-server"
        if CLIENT_AUTH in usage:
            return "tls-client"
        if "digitalSignature" in bits or not bits:
            return "message-signing" if bits else "tls-server"
        return "encryption"

    @lazy
    def number(self) -> Oin | None:
        """The organisation number, when it has the twenty positions of one."""
        value = self.subject.oin
        return Oin(value) if value and not length_fault(value) else None

    @lazy
    def role(self) -> Role:
        """What that role asks."""
        return self.policy.roles[self.role_name]


class JudgedRequest(Judged):
    """A request: the same subject rules, before there is an issuer."""

    is_request = True

    def __init__(self, request: Request, ctx: Context) -> None:
        self.request = request
        self.subject = request
        self.content = Content("csr")
        self.at = ctx.at
        self.ctx = ctx
        self.served = ()
        self.mode = None
        self.policy = policy()
        self.companions = companions(ctx)

    @lazy
    def path(self) -> Path:
        """A request has no path."""
        return Path((), complete=False)

    @lazy
    def policies(self) -> tuple[PkiPolicy, ...]:
        """A request has no policies."""
        return ()

    @lazy
    def generation(self) -> str:
        """A request has no generation yet."""
        return ""

    @property
    def sends(self) -> bool:
        """Whether the file is what is sent in TLS, so that an absent CA is a fault of the sending (PKIO-CHAIN-006, -009)."""
        return bool(self.served) and self.role_name in SENDERS and not self.is_authority

    @lazy
    def is_g4(self) -> bool:
        """Whether the fourth generation was asked for (`--set generation=g4`)."""
        return self.ctx.setting("generation").lower().startswith("g4")

    @lazy
    def role_name(self) -> str:
        """The role that was given; a server when none was."""
        return self.ctx.role if self.ctx.role in self.policy.roles else "tls-server"


def yes(ctx: Context, name: str) -> bool:
    """Whether a setting says yes."""
    return ctx.setting(name).lower() in {"yes", "ja", "true", "1"}


def listed(values: Iterable[str]) -> str:
    """Return values as one readable list."""
    return ", ".join(values)
