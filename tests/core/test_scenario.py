"""`chain.toml`: read into frozen models, and every mistake at once with its line."""

import pytest

from harness.chain import load
from harness.errors import ScenarioInvalid, UnusableInput
from harness.model import Environment
from harness.positions import line_of, positions

GOOD = """\
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"

[certificates.tls]
cert = "lab"
key = "lab"

[connections.digipoort]
system = "digipoort"
certificates = { tls-client = "tls" }

[connections.digipoort.wus]
endpoint = "lab"
"""


@pytest.fixture
def scenario(tmp_path):
    """Write a scenario and load it."""

    def write(text, **environ):
        (tmp_path / "chain.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(tmp_path, environ)

    return write


def mistakes(scenario, text, **environ):
    with pytest.raises(ScenarioInvalid) as caught:
        scenario(text, **environ)
    return caught.value.mistakes


def test_a_scenario_that_says_lab_is_environment_lab(scenario):
    loaded = scenario(GOOD)
    assert loaded.connections[0].effective_environment is Environment.LAB
    assert loaded.connections[0].name == "digipoort"


def test_a_wrong_key_names_the_nearest_valid_key_and_its_line(scenario):
    [mistake] = mistakes(scenario, GOOD.replace('endpoint = "lab"', 'endpiont = "lab"'))
    assert mistake.line == 14
    assert "'endpoint'" in mistake.text.nl
    assert "bedoelt u" in mistake.text.nl


def test_a_wrong_choice_lists_the_choices_and_the_nearest(scenario):
    [mistake] = mistakes(scenario, GOOD.replace('"digipoort"\ncert', '"digiport"\ncert'))
    assert "'digipoort'" in mistake.text.nl
    assert mistake.line == 10


def test_a_misspelt_key_is_told_once_and_not_as_a_missing_one_too(scenario):
    [mistake] = mistakes(scenario, GOOD.replace("oin = ", "onin = ", 1))
    assert "onbekende sleutel; bedoelt u 'oin'?" in mistake.text.nl


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('oin = "00000099000000001000"', "oin = 99000000001000", "verwacht tekst tussen aanhalingstekens"),
        ("[party]", '[limits]\nread_timeout = "lang"\n\n[party]', "verwacht een getal zonder aanhalingstekens"),
        ("[party]", "[limits]\nread_timeout = 9000\n\n[party]", "verwacht ten hoogste 600"),
        ("[party]", 'parties = "geen"\n\n[party]', "verwacht een tabel met sleutels"),
        ('key = "lab"', 'key = ["-----BEGIN PRIVATE KEY-----"]', "verwacht tekst tussen aanhalingstekens, gevonden …"),
    ],
)
def test_a_value_of_the_wrong_kind_is_said_in_words_of_ours(scenario, old, new, said):
    [mistake] = mistakes(scenario, GOOD.replace(old, new, 1))
    assert said in mistake.text.nl
    assert "Input should" not in mistake.text.nl
    assert "BEGIN" not in mistake.text.nl + mistake.text.en


def test_a_lost_leading_zero_is_recognised_in_the_oin(scenario):
    [mistake] = mistakes(scenario, GOOD.replace("00000099000000001000", "99000000001000"))
    assert "voorloopnullen" in mistake.text.nl
    assert "00000099000000001000" in mistake.text.nl
    assert mistake.line == 3


def test_every_mistake_of_a_file_comes_at_once_in_the_order_of_the_file(scenario):
    broken = GOOD.replace('oin = "00000099000000001000"', 'oin = "1"').replace('key = "lab"', 'key = "geheim"')
    broken = broken.replace('tls-client = "tls"', 'tls-client = "tsl"')
    lines = [m.line for m in mistakes(scenario, broken)]
    assert lines == [3, 7]
    fixed = broken.replace('oin = "1"', 'oin = "00000099000000001000"').replace('"geheim"', '"lab"')
    [last] = mistakes(scenario, fixed)
    assert "Bedoelt u 'tls'?" in last.text.nl


def test_a_secret_written_in_the_file_is_refused_without_being_repeated(scenario):
    [mistake] = mistakes(scenario, GOOD.replace('key = "lab"', 'key = "-----BEGIN PRIVATE KEY-----"'))
    assert "env:NAAM" in mistake.text.nl
    assert "BEGIN" not in mistake.text.nl


def test_a_missing_environment_variable_is_a_mistake_with_a_remedy(scenario):
    [mistake] = mistakes(scenario, GOOD.replace('key = "lab"', 'key = "env:TLS_KEY"'))
    assert "export TLS_KEY" in mistake.text.nl
    assert scenario(GOOD.replace('key = "lab"', 'key = "env:TLS_KEY"'), TLS_KEY="x")


def test_a_file_that_is_not_there_is_a_mistake(scenario):
    [mistake] = mistakes(scenario, GOOD.replace('cert = "lab"', 'cert = "certs/tls.pem"'))
    assert "certs/tls.pem" in mistake.text.nl


def test_an_endpoint_is_lab_or_https(scenario):
    [mistake] = mistakes(scenario, GOOD.replace('endpoint = "lab"', 'endpoint = "http://digipoort.nl"'))
    assert "https://" in mistake.text.nl


def test_a_connection_is_all_lab_or_all_real(scenario):
    mixed = (
        GOOD.replace("digipoort", "digikoppeling") + '[connections.digikoppeling.ebms]\nendpoint = "https://a.nl/e"\n'
    )
    [mistake] = mistakes(scenario, mixed)
    assert 'helemaal "lab" of helemaal echt' in mistake.text.nl


def test_an_interface_that_a_system_does_not_have_is_a_mistake(scenario):
    [mistake] = mistakes(scenario, GOOD + '[connections.digipoort.saml]\nendpoint = "lab"\n')
    assert "geen koppelvlak saml" in mistake.text.nl


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"party = [", "geen geldige TOML"), (b"\x00\xff\xfe", "geen UTF-8"), (b"", "ontbreekt")],
)
def test_a_file_that_is_no_scenario_gets_one_sentence(scenario, data, said):
    assert any(said in m.text.nl for m in mistakes(scenario, data))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "chain.toml"
    with file.open("wb") as out:
        out.truncate(200_000_000)
    with pytest.raises(UnusableInput, match="1 MB"):
        load(file)


def test_positions_find_tables_keys_and_inline_keys():
    found = positions(GOOD)
    assert found[("connections", "digipoort", "certificates", "tls-client")] == 11
    assert line_of(found, ("connections", "digipoort", "wus", "unknown")) == 13


def test_the_scenario_as_cloned_is_good(request):
    loaded = load(request.config.rootpath / "scenarios" / "preprod")
    assert len(loaded.connections) == 6
    assert all(c.uses_lab for c in loaded.connections)
