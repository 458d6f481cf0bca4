"""A real browser logs in on a sample application over real TLS, and is refused where the answer is forged."""

from dataclasses import replace
from shutil import which
from urllib.parse import urlsplit

import httpx
import pytest

from harness.lab.ca import Pki
from harness.lab.faults.tls import GOOD
from harness.lab.server import Reply, serve
from harness.lab.tvs import RoutingService
from harness.lab.tvs_battery import Case, cases
from harness.lab.tvs_browser import NAMES, browser
from tests.lab.test_tvs_battery import battery
from tests.lab.tvs_apps import Careful

pytestmark = pytest.mark.skipif(not any(map(which, NAMES)), reason="no Chromium (scripts/system)")


async def test_a_browser_is_let_in_once_and_refused_when_the_answer_is_forged():
    pki = Pki()
    tests = await battery(pki, Careful)
    sample, host = tests.browser()._transport.handler, urlsplit(tests.app.login).netloc

    async def application(request):
        asked = httpx.Request(
            request.method, f"https://{host}{request.path}", headers=list(request.headers), content=request.body
        )
        answer = await sample(asked)
        kept = [(k, v) for k, v in answer.headers.multi_items() if k not in ("content-length", "transfer-encoding")]
        return Reply(answer.status_code, kept, answer.content)

    here, there = pki.issue("own-tls", hosts=(host,)), pki.issue("counterparty", hosts=tests.service.hosts)
    open_to_all = replace(GOOD, client_certificate="ignored")
    async with (
        serve(application, here, pki=pki, tls=open_to_all) as ours,
        serve(tests.service.handle, there, pki=pki, tls=RoutingService.TLS) as rd,
        browser({host: ours.address} | dict.fromkeys(tests.service.hosts, rd.address)) as tests.tabs,
    ):
        accepts, refuses = Case("sound", "SAML-NEG-27", frozenset({"inline-keys"}), refuse=False), CASES["expired"]
        assert not [found for case in (accepts, refuses) async for found in tests._play(case)]
        wrong = replace(refuses, refuse=False)
        assert [found.case for found in [f async for f in tests._play(wrong)]] == ["refused"]


CASES = {case.name: case for case in cases()}
