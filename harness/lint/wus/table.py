"""The table of rules on SOAP messages, and the words that the rules share."""

from harness.lint.judge import RuleTable
from harness.lint.wus.message import Message
from harness.model import Text

RULES = RuleTable[Message]()
rule = RULES.rule

ABSENT = Text("ontbreekt", "absent")
NO_HTTP = Text("het bericht is zonder HTTP-regels aangeboden", "the message came without its HTTP head")
NO_REQUEST = Text("geen vraagbericht meegegeven (--with)", "no request given (--with)")
NO_WSDL = Text("geen WSDL meegegeven (--with)", "no WSDL given (--with)")
NO_SCHEMA = Text("geen XSD meegegeven (--with)", "no XSD given (--with)")
GATEWAY = Text(
    "niet toetsbaar: een eigen gateway staat ertussen en het antwoord hoort bij diens bericht",
    "cannot be judged: an own gateway stands in between and the answer belongs to its message",
)
ENCRYPTED = Text(
    "de Body is versleuteld en er is geen sleutel meegegeven", "the Body is encrypted and no key was given"
)
