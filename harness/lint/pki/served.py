"""What a server sends, or what our own key file holds: complete, in order, nothing too much (RFC 8446 4.4.2)."""

from collections.abc import Iterator, Sequence

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import Judged
from harness.model import Finding, Text
from harness.wire.certpath import Path
from harness.wire.distinguished import COMMON_NAME
from harness.wire.x509 import Certificate, signed_by

SERVED = RuleTable[Judged]()
ORDER = RuleTable[Judged]()


def _complete(doc: Judged, path: Path) -> bool:
    """Whether the path ends in a root, or in a CA that a published root signed (the root itself is not sent)."""
    last = path.certificates[-1]
    if doc.ctx.trust:
        return path.complete
    if path.complete and (last.self_issued or ((pin := doc.pin(last)) and pin.level == 1)):
        return True
    root = doc.policy.by_name.get(last.issuer.first(COMMON_NAME))
    return root is not None and root.level == 1 and last.is_ca


@SERVED.rule("PKIO-CHAIN-006", "PKIO-CHAIN-009")
def complete_as_sent(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The list holds every CA between leaf and root; what a bundle or AIA would repair is said apart (S1 4.4.2; DKC 2)."""
    if not doc.sends:
        return
    sent = doc.path_over(tuple(c for c in doc.served if c.is_ca))
    if _complete(doc, sent):
        return
    last = sent.certificates[-1]
    missing = last.issuer.short
    bundle = doc.path.complete
    urls = ", ".join(last.issuer_urls)
    nl = f"{sent}; {missing} ontbreekt" + ("; met de meegegeven bundel is het pad volledig" if bundle else "")
    en = f"{sent}; {missing} is absent" + ("; with the bundle given the path is complete" if bundle else "")
    nl += f"; op te halen via {urls}" if urls else "; het certificaat noemt geen plaats om de uitgever op te halen"
    en += f"; available at {urls}" if urls else "; the certificate names no place to fetch the issuer"
    rule = "PKIO-CHAIN-009" if doc.role_name == "tls-client" else "PKIO-CHAIN-006"
    yield Finding(
        rule,
        "",
        Text(nl, en),
        Text("alle CA's onder de root", "all CAs below the root"),
        "chain",
        related=("PKIO-CHAIN-001",),
    )


@ORDER.rule("PKIO-CHAIN-007")
def in_order(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The leaf stands first and each next certificate certifies the one before it; a PKCS file is a set without order."""
    if doc.content.form not in {"pkcs7", "pkcs12"}:
        yield from order_of(doc.served, doc.cert)


def order_of(served: Sequence[Certificate], leaf: Certificate) -> Iterator[Finding]:
    """Judge the order of a list whose lowest certificate is `leaf`."""
    if not served:
        return
    if served[0] != leaf:
        case = "order" if leaf.is_ca else "leaf"
        yield Finding("PKIO-CHAIN-007", case, served[0].subject.short, leaf.subject.short, "chain[0]")
        return
    once = list(dict.fromkeys(served))
    wanted = climb(leaf, once)
    found = [c for c in once if c in wanted]
    if found != wanted:
        names = " > ".join(c.subject.short for c in found)
        yield Finding("PKIO-CHAIN-007", "order", names, " > ".join(c.subject.short for c in wanted), "chain")


def climb(leaf: Certificate, pool: Sequence[Certificate]) -> list[Certificate]:
    """Return the certificates of `pool` from `leaf` upwards, by name and signature."""
    way = [leaf]
    while not way[-1].self_issued:
        issuer = next(
            (c for c in pool if c not in way and c.subject.key == way[-1].issuer.key and signed_by(way[-1], c)), None
        )
        if issuer is None:
            break
        way.append(issuer)
    return way


@ORDER.rule("PKIO-CHAIN-008")
def nothing_too_much(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No root, no duplicate and no stranger is sent along."""
    once = list(dict.fromkeys(doc.served))
    if len(once) < len(doc.served):
        twice = next(c for c in once if doc.served.count(c) > 1)
        yield Finding("PKIO-CHAIN-008", "duplicate", twice.subject.short, "1", "chain")
    wanted = climb(doc.cert, once)
    for certificate in once:
        if certificate not in wanted:
            yield Finding(
                "PKIO-CHAIN-008",
                "stranger",
                certificate.subject.short,
                Text("hoort niet in dit pad", "not of this path"),
                "chain",
            )
        elif certificate.self_issued and certificate is not doc.cert:
            yield Finding(
                "PKIO-CHAIN-008",
                "root",
                certificate.subject.short,
                Text("het anker staat bij de ontvanger", "the receiver holds the anchor"),
                "chain",
            )
