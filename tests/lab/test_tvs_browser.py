"""The whole battery in a real browser over real TLS: a careful application has no holes, a careless one has them all."""

from shutil import which

import pytest

from harness.lab.ca import Pki
from harness.lab.tvs_browser import NAMES, browser
from harness.lab.tvs_cases import BACK, LATER, case_of, cases
from harness.model import NotRun
from tests.lab.test_tvs_battery import HOLES, ran
from tests.lab.tvs_apps import Careful, Careless
from tests.lab.tvs_stage import Stage, heavy

pytestmark = pytest.mark.skipif(not any(map(which, NAMES)), reason="no Chromium (scripts/system)")


async def test_in_a_browser_a_careful_application_has_no_holes_and_every_rule_ran():
    stage = await Stage.of(Pki(), Careful)
    async with stage.over_tls(tabs=browser) as battery:
        items = await ran(battery)
    assert not heavy(items)
    assert not [item for item in items if isinstance(item, NotRun)]


async def test_in_a_browser_every_hole_of_a_careless_application_is_reported():
    stage = await Stage.of(Pki(), Careless, patience=10)
    async with stage.over_tls(looks=False, tabs=browser) as battery:
        items = await ran(battery)
    found = heavy(items)
    assert {case.name for case in cases() if case.refuse} | {*LATER, *BACK} <= {where for _, where in found}
    assert {rule for rule, _ in found} >= HOLES
    assert not [item for item in items if isinstance(item, NotRun)]


async def test_a_login_page_that_posts_itself_is_not_pressed_twice():
    class Scripted(Careful):
        def login(self, cookies):
            answer = super().login(cookies)
            text = answer.text.replace("<form", "<body onload='document.forms[0].submit()'><form")
            kept = [(k, v) for k, v in answer.headers.multi_items() if k != "content-length"]
            return type(answer)(200, html=text, headers=kept)

    stage = await Stage.of(Pki(), Scripted)
    async with stage.over_tls(tabs=browser) as battery:
        assert not heavy([f async for f in battery.play(case_of("inline-keys"))])
        assert not heavy([f async for f in battery.play(case_of("expired"))])
    kinds = [judged.message.kind for judged in stage.service.heard]
    assert kinds == ["AuthnRequest", "ArtifactResolve"] * 2
