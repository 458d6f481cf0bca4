"""Handshakes are written down as they happened, and nothing that a server sends is an exception of ours."""

import asyncio
import contextlib
import ssl
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.lab.ca import Pki
from harness.lab.faults.tls import CONFIGURATIONS, GOOD
from harness.lab.server import Reply, serve
from harness.lint.judge import Context
from harness.lint.tls import MUTUAL, NETWORK, SERVER, judge_survey
from harness.model import Finding
from harness.wire import handshake, tls_offers, tls_openssl
from harness.wire.survey import Plan, connect, look_up, proxy_of, survey, through_proxy
from harness.wire.tls import Patience, shake_hands
from harness.wire.tls_caller import NOBODY, Caller, from_files, stranger
from harness.wire.tls_openssl import Presented

HOST = "lab-ketenpartner.ketentest.test"
SOON = Patience(10, 10, 10)
BRIEF = Patience(1, 1, 1)


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture(scope="module")
def own(pki):
    identity = pki.identity("own-tls")
    return from_files("own", identity.cert_path, identity.key_path)


async def answer(request):
    return Reply(200)


@pytest.fixture
def attempt(pki):
    """Return a function that shakes hands with a server of one configuration."""

    async def shake(name, caller=NOBODY, version="1.3", **options):
        config = CONFIGURATIONS.get(name, GOOD)
        patience = BRIEF if name.startswith("slow") else SOON
        async with serve(answer, pki.identity("counterparty"), pki=pki, tls=config) as served:
            return await asyncio.to_thread(
                shake_hands, served.address, HOST, caller, version, patience=patience, **options
            )

    return shake


async def test_a_refusal_in_tls12_comes_in_the_handshake(attempt):
    seen = await attempt("good", NOBODY, "1.2")
    assert (seen.outcome, seen.alert, seen.asked) == ("refused", 40, True)
    assert len(seen.chain) == 3


async def test_a_refusal_in_tls13_comes_after_the_handshake(attempt):
    seen = await attempt("good", NOBODY, "1.3")
    assert (seen.outcome, seen.alert, seen.asked) == ("refused-late", 116, True)


async def test_the_refusal_is_seen_every_time(pki):
    async with serve(answer, pki.identity("counterparty"), pki=pki) as served:
        tries = (asyncio.to_thread(shake_hands, served.address, HOST, NOBODY, v) for v in ("1.2", "1.3") * 25)
        seen = await asyncio.gather(*tries)
    assert {(one.offered, one.outcome, one.alert) for one in seen} == {
        ("1.2", "refused", 40),
        ("1.3", "refused-late", 116),
    }


async def test_our_certificate_is_answered_with_http(attempt, own):
    seen = await attempt("good", own, "1.3")
    assert (seen.outcome, seen.status, seen.version) == ("answered", 405, "1.3")
    assert seen.date


async def test_a_success_with_our_certificate_is_told_apart_from_a_server_that_never_asked(attempt, own):
    assert not (await attempt("certificate-ignored", own, "1.3")).asked
    assert (await attempt("certificate-optional", own, "1.3")).asked


async def test_a_stranger_hears_unknown_ca(attempt):
    assert (await attempt("good", stranger(), "1.2")).alert == 48
    assert (await attempt("good", stranger(), "1.3")).alert == 48


async def test_listening_only_sends_no_request(attempt, own):
    assert (await attempt("good", own, "1.3", ask="listen")).outcome == "accepted"
    assert (await attempt("good", NOBODY, "1.3", ask="listen")).outcome == "refused-late"


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("plaintext", "not-tls"),
        ("other-service", "not-tls"),
        ("slow-handshake", "tls-timeout"),
        ("down", "connect-refused"),
        ("tls12-only", "refused"),
    ],
)
async def test_every_way_to_fail_has_its_own_outcome(attempt, name, outcome):
    assert (await attempt(name)).outcome == outcome


async def test_a_missing_answer_is_a_read_time_out(attempt, own):
    assert (await attempt("slow-answer", own)).outcome == "read-timeout"


async def test_what_answers_instead_of_tls_is_kept(attempt):
    assert (await attempt("other-service")).first_bytes.startswith(b"SSH-2.0")
    assert (await attempt("plaintext")).first_bytes.startswith(b"HTTP/1.")


async def test_the_names_of_acceptable_cas_are_read(attempt, own):
    for version in ("1.2", "1.3"):
        assert b"TEST Onbekende CA" in (await attempt("foreign-ca-names", own, version)).request.authorities[0]


async def test_the_group_of_the_key_exchange_is_read(attempt):
    assert (await attempt("good", NOBODY, "1.3")).seen.group == "X25519"
    assert (await attempt("dhe", NOBODY, "1.2")).seen.group == "dh-3072"


async def test_a_g4_chain_is_read_in_both_versions(attempt):
    for version in ("1.2", "1.3"):
        assert len((await attempt("pss", NOBODY, version)).chain) == 3


async def test_suites_are_found_by_taking_away_the_chosen_one(pki):
    config = CONFIGURATIONS["cbc-suites"]
    async with serve(answer, pki.identity("counterparty"), pki=pki, tls=config) as served:
        found = await asyncio.to_thread(tls_offers.enumerate_suites, served.address, HOST, "1.2", patience=SOON)
        newest = await asyncio.to_thread(tls_openssl.tls13_suites, served.address, HOST, patience=SOON)
    assert [tls_offers.suite_of(one) for one in found] == [
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-RSA-AES128-SHA256",
    ]
    assert "TLS_AES_256_GCM_SHA384" in newest


@pytest.mark.parametrize(("name", "count"), [("good", 0), ("renegotiation", 11), ("certificate-ignored", 0)])
async def test_renegotiations_are_counted(pki, name, count):
    identity = pki.identity("own-tls")
    ours = Presented((identity.certificate, *identity.chain), identity.key)
    config = CONFIGURATIONS.get(name, GOOD)
    async with serve(answer, pki.identity("counterparty"), pki=pki, tls=config) as served:
        seen = await asyncio.to_thread(tls_openssl.renegotiations, served.address, HOST, ours, patience=SOON)
    assert seen == count


async def test_a_stapled_answer_is_kept_though_we_are_refused(pki):
    config = CONFIGURATIONS["stapled-good"]
    async with serve(answer, pki.identity("counterparty"), pki=pki, tls=config) as served:
        assert await asyncio.to_thread(tls_openssl.stapled, served.address, HOST, patience=SOON)
    async with serve(answer, pki.identity("counterparty"), pki=pki) as served:
        assert await asyncio.to_thread(tls_openssl.stapled, served.address, HOST, patience=SOON) is None


async def test_towards_others_only_what_the_cap_table_allows(pki, own):
    waits = []
    plan = Plan(own=own, patience=SOON, pause=lambda: waits.append(1))
    async with serve(answer, pki.identity("counterparty"), pki=pki) as served:
        seen = await asyncio.to_thread(survey, HOST, 443, [served.address], plan)
    assert [(one.offered, one.presented) for one in seen.handshakes] == [
        ("1.2", ""),
        ("1.2", "own"),
        ("1.3", ""),
        ("1.3", "own"),
        ("1.0", ""),
        ("1.1", ""),
    ]
    assert len(waits) == len(seen.handshakes)
    assert seen.suites == ()
    assert all(request.method != "HEAD" for request in served.requests)


async def test_each_address_is_looked_at_by_itself(pki, own):
    config = CONFIGURATIONS["two-addresses"]
    async with serve(answer, pki.identity("counterparty"), pki=pki, tls=config) as served:
        seen = await asyncio.to_thread(survey, HOST, 443, served.addresses, Plan(own=own, patience=SOON))
    assert {one.address for one in seen.handshakes} == set(served.addresses)


def test_a_caller_makes_each_context_once(own):
    assert own.context("1.3") is own.context("1.3")
    assert own.context("1.3") is not own.context("1.2")


def test_a_version_that_our_openssl_cannot_offer_is_unsupported(monkeypatch):
    def refuse(context):
        raise ssl.SSLError("no such version")

    seen = shake_hands(("127.0.0.1", 9), HOST, Caller("x", refuse), "1.1", patience=SOON)
    assert (seen.outcome, seen.connected) == ("unsupported", False)


def test_a_name_without_address_is_an_answer_not_an_exception():
    assert look_up("bestaat-niet.invalid", 443).addresses == ()
    assert look_up("x" * 300, 443).error


def test_a_closed_port_is_refused_and_says_how_long_it_took():
    seen = connect(("127.0.0.1", 9), 1)
    assert (seen.outcome, seen.reached) == ("connect-refused", False)


def test_the_proxy_of_the_environment_is_named_unless_the_host_is_exempt():
    environ = {"HTTPS_PROXY": "http://proxy.voorbeeld:8080", "NO_PROXY": "intern.voorbeeld"}
    assert proxy_of("logius.voorbeeld", environ) == "http://proxy.voorbeeld:8080"
    assert proxy_of("x.intern.voorbeeld", environ) == ""
    assert proxy_of("logius.voorbeeld", {}) == ""


@pytest.mark.parametrize("url", ["http://jan:geheim@proxy:8080", "jan:geheim@proxy:8080", "http://jan@proxy:8080/"])
def test_the_password_of_a_proxy_is_not_shown(url):
    shown = proxy_of("logius.voorbeeld", {"HTTPS_PROXY": url})
    assert "proxy:8080" in shown
    assert not {"jan", "geheim"} & set(shown.replace("@", ":").replace("/", ":").split(":"))


async def proxying(reader, writer, target):
    """A proxy that opens a tunnel to `target`, or refuses when there is none."""
    await reader.readuntil(b"\r\n\r\n")
    if target is None:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        writer.close()
        return
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    far_reader, far_writer = await asyncio.open_connection(*target)

    async def carry(source, sink):
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer), return_exceptions=True)


@pytest.mark.parametrize(
    ("config", "rules"),
    [("good", set()), ("intercepting-proxy", {("NET-004", "inspected")}), (None, {("NET-004", "no-tunnel")})],
)
async def test_a_proxy_is_compared_with_the_direct_way(pki, own, config, rules):
    async with contextlib.AsyncExitStack() as stack:
        good = await stack.enter_async_context(serve(answer, pki.identity("counterparty"), pki=pki))
        target = None
        if config:
            tls_config = CONFIGURATIONS.get(config, GOOD)
            far = await stack.enter_async_context(serve(answer, pki.identity("counterparty"), pki=pki, tls=tls_config))
            target = far.address
        proxy = await asyncio.start_server(lambda r, w: proxying(r, w, target), "127.0.0.1", 0)
        async with proxy:
            url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
            through = await asyncio.to_thread(through_proxy, url, HOST, 443, SOON)
            direct = await asyncio.to_thread(
                survey, HOST, 443, [good.address], Plan(own=own, patience=SOON, quick=True)
            )
    seen = replace(direct, proxy=url, tunnelled=through)
    found = [f for f in judge_survey(seen, Context(), NETWORK) if isinstance(f, Finding)]
    assert {(f.rule, f.case) for f in found} == rules | {("NET-004", "proxy")}


async def test_a_server_with_a_good_curve_that_few_offer_still_speaks_tls12(pki, own):
    config = replace(GOOD, curve="brainpoolP384r1", maximum="1.2")
    plan = Plan(own=own, thorough=True, patience=SOON)
    async with serve(answer, pki.identity("counterparty"), pki=pki, tls=config) as served:
        seen = await asyncio.to_thread(survey, HOST, 443, [served.address], plan)
    assert seen.curves == ("brainpoolP384r1",)
    assert {f.rule for f in judge_survey(seen, Context(), SERVER) if isinstance(f, Finding)} == {"TLS-002"}


@pytest.mark.parametrize("name", ["expired", "revoked"])
async def test_a_client_that_is_no_longer_good_is_let_in_only_by_a_careless_server(pki, own, name):
    identity = pki.identity(f"{name}-client")
    other = from_files(name, identity.cert_path, identity.key_path)
    plan = Plan(own=own, others=(other,), thorough=True, quick=True, patience=SOON)
    found = {}
    for config in ("checks-crl", "any-client"):
        async with serve(answer, pki.identity("counterparty"), pki=pki, tls=CONFIGURATIONS[config]) as served:
            seen = await asyncio.to_thread(survey, HOST, 443, [served.address], plan)
        found[config] = [f.case for f in judge_survey(seen, Context(), MUTUAL) if f.rule == "MTLS-005"]
    assert found == {"checks-crl": [], "any-client": [name]}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from([2, 4, 11, 12, 13, 99]), st.binary(max_size=400)), max_size=6))
def test_any_bytes_can_be_read_as_a_handshake(noise):
    assert isinstance(handshake.read(noise), handshake.Messages)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 200), data=st.data())
def test_a_truncated_server_hello_gives_what_there_was(cut, data):
    hello = (
        bytes.fromhex("020000" + "00")
        + bytes.fromhex("0303")
        + b"\x07" * 32
        + b"\x00\x13\x02\x00"
        + bytes.fromhex("0006002b00020304")
    )
    read = handshake.read([(2, hello[:cut])])
    assert read.hello is None or read.hello.version in ("1.2", "1.3")
