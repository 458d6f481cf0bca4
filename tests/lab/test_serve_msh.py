"""A user's own adapter, another process with nothing but the folder, pings the served MSH and gets its Pong."""

import os
import re
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from harness.wire import ebms_build as build
from harness.wire.cpa_reading import parse_cpa
from harness.wire.ebms import read_message

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def adapter():
    """An HTTPS server of the standard library that keeps what arrives; it gets its certificate later."""
    arrived = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            arrived.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *args):
            pass

    came = threading.Event()
    server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
    server.arrived, server.came = arrived, came
    yield server
    server.shutdown()
    server.server_close()


def serve(folder, *options):
    command = [sys.executable, "-u", "-c", "from harness.cli import main; main()", "lab", "msh", *options]
    return subprocess.Popen(
        [*command, "--scenario", ROOT / "scenarios" / "preprod", "--connection", "lopende-zaken", "--out", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.slow
def test_an_adapter_of_somebody_else_pings_the_served_msh(tmp_path, adapter):
    served = serve(tmp_path, "--own-endpoint", f"https://localhost:{adapter.server_port}/ebms")
    try:
        port = next(int(m[1]) for line in served.stdout if (m := re.search(r"→ +127\.0\.0\.1:(\d+)", line)))
        folder = tmp_path / "lopende-zaken"
        inbound = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inbound.load_cert_chain(folder / "tls-server.pem", folder / "tls-server.key")
        inbound.verify_mode = ssl.CERT_REQUIRED
        inbound.load_verify_locations(folder / "anchors.pem")
        adapter.socket = inbound.wrap_socket(adapter.socket, server_side=True)
        threading.Thread(target=adapter.serve_forever, daemon=True).start()
        outbound = ssl.create_default_context(cafile=folder / "anchors.pem")
        outbound.load_cert_chain(folder / "tls-client.pem", folder / "tls-client.key")
        cpa = parse_cpa((folder / "cpa.xml").read_bytes())
        lab, us = cpa.parties
        ids = (build.Party(us.party_id), build.Party(lab.party_id))
        ping = build.pack(build.ping(*ids, cpa.cpaid, datetime.now(UTC), "adapter.example", sync_reply=False))
        host = lab.endpoint().uri.split("/")[2]
        with httpx.Client(verify=outbound, trust_env=False) as line:
            url = f"https://127.0.0.1:{port}/ebms"
            extensions = {"sni_hostname": host}
            answer = line.post(url, content=ping.body, headers=dict(ping.headers), extensions=extensions)
        assert (answer.status_code, answer.content) == (204, b"")
        assert adapter.came.wait(10)
        pong = read_message(adapter.arrived[0], "text/xml")
        assert (pong.kind, pong.ref_to) == ("Pong", ping.message_id)
    finally:
        served.terminate()
        said = served.communicate(timeout=10)[0]
    assert "← Ping" in said
    assert "→ Pong: HTTP 204" in said


def test_an_address_that_is_not_https_is_refused_in_one_sentence(tmp_path):
    served = serve(tmp_path, "--own-endpoint", "http://localhost:9443/ebms")
    assert served.communicate(timeout=30)[0].count("\n") == 1
    assert served.returncode == 2
