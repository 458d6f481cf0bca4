"""A run on disk with its evidence, and a file with a key to sign its report."""

import hashlib
from dataclasses import replace

import dossier
import signers

from harness import run as runs
from harness.model import Evidence


def keep(tmp_path, results=None, connections=None):
    scenario = tmp_path / "scenario"
    scenario.mkdir()
    (scenario / "chain.toml").write_text("# the folder of the scenario\n")
    body = b"HTTP/1.1 200 OK\r\n\r\n<gemaskeerd/>"
    kept = Evidence(hashlib.sha256(body).hexdigest(), "antwoord.http", "message/http", len(body))
    run = dossier.run(connections or [dossier.connection()], results or dossier.digipoort_results())
    run = replace(run, info=replace(run.info, scenario=str(scenario / "chain.toml")))
    writer = runs.create(tmp_path / "runs", run.info)
    for result in run.results:
        writer.result(replace(result, evidence=(kept,) if result.evidence else ()))
    writer.end(dossier.NOW, masked=3)
    (writer.folder / "evidence" / kept.name).write_bytes(body)
    return writer.folder


def write(path, authority, key, **changes):
    path.write_bytes(signers.pem(authority.chain(authority.leaf(key, **changes)), key))
    return path
