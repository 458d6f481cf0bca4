"""A scenario folder with its page on loopback, and two testers."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from visiting import ROOT, let_in, only, opened


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A scenario of two connections, and a temporary folder of its own for files on their way in."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    text = (ROOT / "scenarios" / "preprod" / "chain.toml").read_text(encoding="utf-8")
    (tmp_path / "chain.toml").write_text(only(text, "lopende-zaken", "tvs-cluster"), encoding="utf-8")
    return tmp_path


@pytest.fixture
async def gate(folder):
    async with opened(folder) as found:
        yield found


@pytest.fixture
async def anna(gate):
    async with let_in(gate) as found:
        yield found


@pytest.fixture
async def bart(gate):
    async with let_in(gate, "Bart de Wit", "projectleider") as found:
        yield found


@pytest.fixture
def terminal_attest():
    """Record a statement from another process, as `ketentest attest` does."""

    async def attest(folder, *arguments):
        code = "from harness.cli import main; main()"
        command = [sys.executable, "-c", code, "attest", "--scenario", str(folder), *arguments]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert await process.wait() == 0

    return attest
