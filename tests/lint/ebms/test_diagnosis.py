"""What a refusal means is read from the answers of real adapters, and every cause says who must act."""

import pytest

from harness.lint.ebms import diagnosis
from harness.lint.kinds import split_http
from harness.wire import ebms_build as build
from harness.wire.ebms import EbmsError, read_message


@pytest.mark.parametrize(
    ("code", "location", "description", "key"),
    [
        ("ValueNotRecognized", "//Header/MessageHeader/CPAId", "", "cpa-not-loaded"),
        (
            "ValueNotRecognized",
            "xpointer(//MessageHeader/CpaId)",
            "Message [x] has an invalid CpaId [unknown]",
            "cpa-not-loaded",
        ),
        ("ValueNotRecognized", "", "501319:Unknown eb:CPAId", "cpa-not-loaded"),
        ("ValueNotRecognized", "", "501314:Invalid To Party Type attribute", "party-id"),
        ("ValueNotRecognized", "//Header/MessageHeader/Action", "Value not found.", "action"),
        ("ValueNotRecognized", "//Header/MessageHeader/MessageData/RefToMessageId", "", "reference"),
        ("Inconsistent", "//Header/MessageHeader/From/PartyId", "Value not found.", "party-id"),
        ("Inconsistent", "//Header/MessageHeader/From/Role", "", "action"),
        ("Inconsistent", "//Header/SyncReply", "Wrong value.", "characteristics"),
        ("Inconsistent", "//Header/MessageHeader/@version", "Invalid value.", "characteristics"),
        ("TimeToLiveExpired", "//Header/MessageHeader/MessageData/TimeToLive", "", "clock"),
        ("SecurityFailure", "", "", "signature"),
        ("MimeProblem", "cid:cid", "MIME part not found.", "packaging"),
        ("DeliveryFailure", "", "", "delivery"),
        ("NotSupported", "//Header/AckRequested/@actor", "NextMSH not supported.", "feature"),
        ("NotSupported", "//Header/MessageOrder", "", "feature"),
        ("Unknown", "", "", "unknown"),
    ],
)
def test_an_error_is_translated_to_its_likely_cause(code, location, description, key):
    assert diagnosis.of_error(EbmsError(code, "Error", location, description)).key == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("CPA LopendeZaken-1-0_x not found!", "cpa-not-loaded"),
        ("Unable to process message! SOAPAction=ebXML", "soap-action"),
        ("Service does not support action Ping", "no-ping"),
        ("Invalid SSL Client Certificate!", "signature"),
        ("cvc-complex-type.2.4.a: Invalid content was found", "schema"),
        ("Application Exception", "unknown"),
    ],
)
def test_a_fault_is_translated_to_its_likely_cause(text, key):
    message = read_message(build.soap_fault("Client", text))
    assert [d.key for d in diagnosis.of_message(message, 500)] == [key]


@pytest.mark.parametrize(
    ("status", "body", "key"),
    [
        (500, b"", "schema"),
        (403, b"<html/>", "offloader"),
        (502, b"x", "gateway"),
        (503, b"", "overload"),
        (302, b"", "not-ebms"),
        (404, b"x", "not-ebms"),
    ],
)
def test_a_status_without_an_ebms_answer_is_translated(status, body, key):
    assert [d.key for d in diagnosis.of_message(read_message(body), status)] == [key]


@pytest.mark.parametrize(
    ("pattern", "product"),
    [
        ("messages/nav__messageerror.xml", "NAV ebxml"),
        ("messages/nhs__expected_ebxml_nack.xml", "NHS Spine"),
        ("messages/nhs__soapfault*.xml", "NHS Spine"),
        ("http/hermes*.msg", "Hermes/Jentrata"),
        ("mutated/ERR-010.http", "ebms-core"),
    ],
)
def test_the_adapter_behind_an_answer_of_the_corpus_is_recognised(shared, pattern, product):
    files = sorted((shared / "corpus/ebms").glob(pattern))
    assert files
    for path in files:
        http, body = split_http(path.read_bytes())
        assert diagnosis.adapter(body, http.status if http else None) == product, path.name


def test_every_cause_says_what_it_means_who_acts_and_what_to_do():
    for key, cause in diagnosis.CAUSES.items():
        assert key == cause.key
        assert all((cause.cause.nl, cause.cause.en, cause.who.nl, cause.who.en, cause.act.nl, cause.act.en)), key
        assert "!" not in cause.cause.nl + cause.act.nl + cause.letter.nl
    assert set(diagnosis.STAGES.values()) <= set(diagnosis.CAUSES)
