"""Measure 1,000 loopback endpoints with MTLS-001, -002 and -004 on TLS 1.2 and 1.3.

usage: python bench/probing.py [ENDPOINTS] [WORKERS]        bars: 30 s and 150 MB for 1,000 endpoints on two cores

The servers live in a process of their own; each endpoint has its own port. Four handshakes an endpoint.
"""

import asyncio
import multiprocessing
import os
import resource
import ssl
import sys
import time
from datetime import UTC, datetime

from harness.lab.ca import Pki
from harness.lab.server import Reply, serve
from harness.lint.judge import Context
from harness.lint.tls import MUTUAL, judge_survey
from harness.model import Finding
from harness.wire.survey import Plan, survey_many
from harness.wire.tls_caller import from_files

HOST = "lab-ketenpartner.ketentest.test"
BAR_SECONDS, BAR_MB = 30.0, 150.0


async def _answer(request):
    return Reply(200)


async def _serve(count, ports, stop):
    import contextlib

    pki = Pki()
    identity = pki.identity("counterparty")
    async with contextlib.AsyncExitStack() as stack:
        served = [await stack.enter_async_context(serve(_answer, identity, pki=pki)) for _ in range(count)]
        ports.put([one.port for one in served])
        await asyncio.to_thread(stop.wait)


def _servers(count, ports, stop):
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    asyncio.run(_serve(count, ports, stop))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    started = multiprocessing.get_context("spawn")
    ports, stop = started.Queue(), started.Event()
    servers = started.Process(target=_servers, args=(count, ports, stop), daemon=True)
    servers.start()
    addresses = [("127.0.0.1", port) for port in ports.get(timeout=60)]
    own = Pki().identity("own-tls")
    plan = Plan(own=from_files("own", own.cert_path, own.key_path), quick=True, versions=("1.2", "1.3"))
    ctx = Context(at=datetime.now(UTC))
    began, used = time.perf_counter(), time.process_time()
    surveys = survey_many(((HOST, 443, (address,)) for address in addresses), plan, workers)
    findings = [f for one in surveys for f in judge_survey(one, ctx, MUTUAL) if isinstance(f, Finding)]
    seconds, ours = time.perf_counter() - began, time.process_time() - used
    stop.set()
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    handshakes = sum(len(one.handshakes) for one in surveys)
    print(f"{count} endpoints, {handshakes} handshakes, {len(findings)} findings, {ssl.OPENSSL_VERSION}")
    print(f"{seconds:.1f} s (bar {BAR_SECONDS * count / 1000:.1f} s), {seconds / count * 1000:.1f} ms an endpoint")
    print(f"{megabytes:.0f} MB (bar {BAR_MB:.0f} MB)")
    servers.join(5)
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    load = os.getloadavg()[0]
    print(f"CPU: {ours:.1f} s here, {theirs:.1f} s in the servers with their start; load of the machine {load:.1f}")
    return 0 if not findings and seconds <= BAR_SECONDS * count / 1000 and megabytes <= BAR_MB else 1


if __name__ == "__main__":
    sys.exit(main())
