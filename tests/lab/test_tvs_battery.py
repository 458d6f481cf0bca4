"""The battery reports every hole of a careless application, and nothing of a careful one."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import UnusableInput
from harness.lab.ca import Pki
from harness.lab.faults.saml import FAULTS
from harness.lab.mint import pem
from harness.lab.server import serve
from harness.lab.tvs import RoutingService
from harness.lab.tvs_cases import BACK, LATER, OTHERS, Case, cases, read_cases
from harness.lab.tvs_visitor import plain_visitors
from harness.model import Finding, NotRun
from tests.lab.tvs_apps import Careful, Careless, Credulous
from tests.lab.tvs_stage import Stage, heavy
from tests.probes.test_saml import bench

HOLES = {
    "SAML-DV-002", "SAML-DV-004", "SAML-DV-005", "SAML-NEG-25", "SAML-AS-057", "SAML-SLO-001", "SAML-SLO-003",
}  # fmt: skip
"""What a careless application does wrong besides the cases."""


@pytest.fixture(scope="module")
def pki():
    return Pki()


async def ran(battery, chosen=None):
    return [item async for item in battery.run(chosen)]


async def test_over_tls_a_careful_application_has_no_holes_and_every_rule_ran(pki):
    stage = await Stage.of(pki, Careful)
    async with stage.over_tls() as battery:
        items = await ran(battery)
    assert not heavy(items)
    assert not [item for item in items if isinstance(item, NotRun)]


async def test_over_tls_every_hole_of_a_careless_application_is_reported(pki):
    stage = await Stage.of(pki, Careless, patience=6)
    async with stage.over_tls(looks=False) as battery:
        items = await ran(battery)
    found = heavy(items)
    assert {case.name for case in cases() if case.refuse} | {*LATER, *BACK} <= {where for _, where in found}
    assert {FAULTS[case.name].rule for case in cases() if case.name != "advice-other-bsn" and case.refuse} | HOLES <= {
        rule for rule, _ in found
    }
    assert ("SAML-NEG-19", "advice-other-bsn") in found
    assert ("SAML-NEG-08", "artifact") in found
    assert "SAML-SLO-004" in {item.rule for item in items}
    assert not [item for item in items if isinstance(item, NotRun)]


async def test_without_a_network_the_same_holds_except_for_the_certificate_of_the_back_channel(pki):
    careful = await ran((await Stage.of(pki, Careful)).in_process())
    assert not heavy(careful)
    assert [item.rule for item in careful if isinstance(item, NotRun)] == ["SAML-NEG-24"]
    careless = heavy(await ran((await Stage.of(pki, Careless)).in_process()))
    assert {case.name for case in cases() if case.refuse} <= {where for _, where in careless}


async def test_an_application_that_does_not_look_at_the_back_channel_has_that_hole_alone(pki):
    stage = await Stage.of(pki, Careful)
    async with stage.over_tls(looks=False) as battery:
        found = heavy(await ran(battery, ()))
    assert found == {("SAML-NEG-24", "resolve-other-ca"), ("SAML-NEG-24", "resolve-other-host")}


async def test_an_application_that_takes_over_any_metadata_has_that_hole_alone(pki):
    stage = await Stage.of(pki, Credulous)
    assert heavy(await ran(stage.in_process(), ())) == {("SAML-NEG-30", name) for name in LATER}


async def test_taking_over_the_key_alone_is_seen_too(pki):
    class KeysOnly(Credulous):
        """Has its addresses and the name of the RD in a file, and takes the keys of what it reads."""

        def address(self, kind):
            return self.service.entities[self.service.service.entity_id].idp.of(kind)[0].location

        def read_again(self, data):
            answer = super().read_again(data)
            known = self.service.service.entity_id
            self.entities[known] = replace(self.rd, entity_id=known)
            return answer

    stage = await Stage.of(pki, KeysOnly)
    found = [item for item in await ran(stage.in_process(), ()) if isinstance(item, Finding)]
    assert {(f.rule, f.where, f.observed.nl) for f in found} == {
        ("SAML-NEG-30", name, "sleutel overgenomen") for name in LATER
    }


async def test_metadata_that_is_not_fetched_at_once_is_waited_for(pki):
    class Later(Credulous):
        """Answers first and fetches the metadata afterwards."""

        async def __call__(self, request):
            if not str(request.url).endswith("/refresh"):
                return await super().__call__(request)
            self.fetching = asyncio.get_running_loop().create_task(super().__call__(request))
            return httpx.Response(202, text="wordt ververst")

    stage = await Stage.of(pki, Later)
    assert heavy(await ran(stage.in_process(), ())) == {("SAML-NEG-30", name) for name in LATER}


async def test_an_application_that_never_fetches_metadata_is_not_judged_on_it(pki):
    stage = await Stage.of(pki, Careful, patience=0.5)
    stage.described = replace(stage.described, refresh=stage.described.protected)
    items = await ran(stage.in_process(), ())
    assert not heavy(items)
    assert "SAML-NEG-30" in {item.rule for item in items if isinstance(item, NotRun)}


async def test_without_a_sound_login_nothing_else_is_concluded(pki):
    stage = await Stage.of(pki, Careful)
    stage.described = replace(stage.described, marker="iets anders")
    assert [type(item) for item in await ran(stage.in_process())] == [Finding, NotRun]


async def test_a_user_adds_cases_of_his_own(pki):
    own = read_cases('[stapel]\nfaults = ["expired", "other-audience"]\nrule = "SAML-NEG-09"\n', "cases.toml")
    assert own == (Case("stapel", "SAML-NEG-09", frozenset({"expired", "other-audience"})),)
    stage = await Stage.of(pki, Careless)
    assert ("SAML-NEG-09", "stapel") in heavy(await ran(stage.in_process(), own))


@pytest.mark.parametrize("text", ["[x]\nfaults = ['nonsense']", "[x]\nrule = 'SAML-NEG-01'", "x", "x = 1"])
def test_a_mistake_in_a_case_is_named(text):
    with pytest.raises(UnusableInput, match=r"cases\.toml"):
        read_cases(text, "cases.toml")


def test_the_battery_holds_a_case_for_every_rule_of_its_thirty():
    played = {FAULTS[name].rule for name in FAULTS if name not in OTHERS}
    asked = {f"SAML-NEG-{number:02}" for number in range(1, 31)} - {"SAML-NEG-25"}
    assert asked <= played


def test_the_trial_needs_a_protected_page_and_its_marker():
    outcome = CliRunner().invoke(cli, ["lab", "tvs", "--try", "https://x.test/login"])
    assert outcome.exit_code == 2
    assert "--protected" in outcome.output


def test_an_application_that_is_not_there_is_told_as_that(tmp_path):
    scenario = Path(__file__).parents[2] / "scenarios" / "preprod"
    there = ("--try", "https://127.0.0.1:9/login", "--protected", "https://127.0.0.1:9/home", "--marker", "Uw dossier")
    outcome = CliRunner().invoke(cli, ["lab", "tvs", "--scenario", str(scenario), "--out", str(tmp_path), *there])
    assert outcome.exit_code == 1, outcome.output
    told = [line for line in outcome.output.splitlines() if "SAML-NEG" in line]
    assert told[0].startswith("fout")
    assert "een gewone login lukt niet  [ConnectError]" in told[0]
    assert told[1].startswith("niet uitgevoerd")


@pytest.mark.parametrize("fault", BACK)
async def test_the_back_channel_changes_its_certificate_while_it_runs(pki, fault):
    service = (await bench(pki)).service
    identity = pki.issue("counterparty", hosts=service.hosts)
    async with serve(service.handle, identity, pki=pki, tls=RoutingService.TLS) as served:
        service.served = served
        visitors = plain_visitors(lambda *_: served.address, [pem([a]) for a in pki.anchors("g1")])
        front, back = (f"https://{host}/kvs/rd/metadata" for host in service.hosts)
        service.play(frozenset({fault}))
        async with visitors() as visitor:
            assert (await visitor.open(front)).status == 200
        async with visitors() as visitor:
            with pytest.raises(Exception, match="ConnectError"):
                await visitor.open(back)
        service.play(frozenset())
        async with visitors() as visitor:
            assert (await visitor.open(back)).status == 200
