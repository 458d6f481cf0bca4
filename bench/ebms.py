"""Measure a synchronous Ping and Pong on a kept mutual-TLS connection against a bare POST of the same size.

Both ends run in this process and its processor time is counted, so that a busy machine does not decide.

usage: python bench/ebms.py [ROUNDS]        bars: at most 2.5 × the bare POST; the lab MSH carries 200 Pings a second
"""

import asyncio
import ssl
import statistics
import sys
import time
from datetime import UTC, datetime

import httpx

from harness.lab import Place
from harness.lab.ca import Pki
from harness.lab.mint import pem
from harness.lab.msh import Msh
from harness.lab.server import Reply, serve
from harness.wire import ebms_build as build
from harness.wire.ebms import Party, read_message

RATIO = 2.5
PER_SECOND = 200
HOST = "lab-ebms.bench.ketentest.test"


def settings(own):
    return {
        "own_name": "Bench",
        "own_oin": "00000099000000001000",
        "own_endpoint": "https://ebms.bench.ketentest.test/ebms",
        "peer_oin": "00000099000000002000",
        "own_certificates": {"tls-client": own.cert_path.read_bytes()},
        "profiles": ("osb-rm",),
        "mode": "sync",
    }


def client(pki, own):
    context = ssl.create_default_context(cadata=pem(pki.anchors()).decode())
    context.load_cert_chain(own.cert_path, own.key_path)
    return httpx.AsyncClient(verify=context, trust_env=False, limits=httpx.Limits(max_connections=4))


async def post(line, served, body, headers):
    url = f"https://127.0.0.1:{served.port}/ebms"
    return await line.post(url, content=body, headers=headers, extensions={"sni_hostname": HOST})


async def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    pki = Pki()
    own = pki.issue("own-tls", oin="00000099000000001000", hosts=("ebms.bench.ketentest.test",))
    msh = Msh(
        Place(
            "bench",
            "digikoppeling",
            "ebms",
            pki,
            frozenset(),
            settings(own),
            lambda: datetime.now(UTC),
            lambda h, p: (h, p),
        )
    )
    await msh.start()
    agreement = next(iter(msh.agreements.values()))
    us, them = Party(agreement.user.party_id), Party(agreement.lab.party_id)

    def ping():
        return build.pack(
            build.ping(us, them, agreement.cpa.cpaid, datetime.now(UTC), "x.ketentest.test", sync_reply=True)
        )

    async def echo(request):
        return Reply(200, (("content-type", "text/xml"),), b"x" * 1200)

    identity = pki.issue("counterparty", oin="00000099000000002000", hosts=(HOST,))

    async def one_ping(line, served):
        outgoing = ping()
        reply = await post(line, served, outgoing.body, dict(outgoing.headers))
        pong = read_message(reply.content, reply.headers["content-type"])
        assert (pong.kind, pong.ref_to) == ("Pong", outgoing.message_id)

    async with (
        serve(msh.handle, identity, pki=pki) as real,
        serve(echo, identity, pki=pki) as bare,
        client(pki, own) as line,
    ):
        plain = ping()
        times = {"ping": [], "bare": []}
        for number in range(rounds + 20):
            for name in ("ping", "bare"):
                started = time.process_time()
                if name == "ping":
                    await one_ping(line, real)
                else:
                    await post(line, bare, plain.body, dict(plain.headers))
                if number >= 20:
                    times[name].append(time.process_time() - started)
        batches = []
        for _ in range(10):
            started = time.process_time()
            await asyncio.gather(*(one_ping(line, real) for _ in range(rounds // 10)))
            batches.append((rounds // 10) / (time.process_time() - started))
        per_second = max(batches)
    quick = {name: statistics.quantiles(values, n=10)[0] for name, values in times.items()}
    ratio = quick["ping"] / quick["bare"]
    print(
        f"Ping/Pong {quick['ping'] * 1000:.2f} ms, bare POST {quick['bare'] * 1000:.2f} ms: {ratio:.2f} × (bar {RATIO})"
    )
    print(f"lab MSH, client and server in one process: {per_second:.0f} Pings/s (bar {PER_SECOND})")
    return 0 if ratio <= RATIO and per_second >= PER_SECOND else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
