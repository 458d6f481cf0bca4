"""Schemas compiled in several threads at once: each finds its imports."""

import subprocess
import sys

import pytest
from lxml import etree

from harness.wire import schema_folder, soap_schema

XS = "http://www.w3.org/2001/XMLSchema"
AT_ONCE = """
import os, threading
from lxml import etree
from harness.wire import saml_schema, soap_schema

FILES = {
    "a.xsd": b'<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:b="urn:b" targetNamespace="urn:a">'
    b'<import namespace="urn:b" schemaLocation="b.xsd"/><element name="a"><complexType><sequence>'
    b'<element ref="b:b"/></sequence></complexType></element></schema>',
    "b.xsd": b'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:b"><element name="b"/></schema>',
}

def compile_all(tries):
    ready, wrong = threading.Barrier(4), []
    def one(work):
        ready.wait()
        try:
            work()
        except Exception as error:
            wrong.append(error)
    works = [saml_schema.schema, saml_schema.schema.__wrapped__] + [lambda: soap_schema.compile_schemas(FILES)] * 2
    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)

failed = 0
for tries in range(25):
    child = os.fork()
    if not child:
        os._exit(bool(compile_all(tries)))
    failed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(failed)
"""


def test_schemas_compiled_by_several_threads_at_once_find_their_imports_every_time():
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "0"


def test_links_lead_to_names_of_ours_and_broken_schemas_stay_as_they_are():
    data = (
        f'<schema xmlns="{XS}"><include schemaLocation="../deep/é b.xsd"/><import namespace="urn:x"/></schema>'.encode()
    )
    assert b'schemaLocation="0.xsd"' in schema_folder.relinked(data, lambda location: "0.xsd")
    assert schema_folder.relinked(b"<schema", lambda location: "0.xsd") == b"<schema"


def test_a_file_whose_name_climbs_out_of_its_folder_is_found_by_its_last_part():
    deep = f'<schema xmlns="{XS}" targetNamespace="urn:a"><element name="a"/></schema>'.encode()
    top = (
        f'<schema xmlns="{XS}" targetNamespace="urn:a"><include schemaLocation="../../etc/deep.xsd"/></schema>'.encode()
    )
    schema = soap_schema.compile_schemas({"top.xsd": top, "deep.xsd": deep})
    assert schema.validate(etree.XML('<a xmlns="urn:a"/>'))


def test_an_import_from_the_internet_that_is_not_at_hand_is_named_and_not_fetched():
    top = f'<schema xmlns="{XS}" targetNamespace="urn:a"><import namespace="urn:b" schemaLocation="https://x.invalid/b.xsd"/></schema>'
    with pytest.raises(soap_schema.SchemaUnusable, match=r"b\.xsd ontbreekt"):
        soap_schema.compile_schemas({"top.xsd": top.encode()})
