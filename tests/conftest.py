"""What every test shares: the reference folder, and a machine that does not leak in."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """Proxy, certificate and CI variables of the machine do not reach a test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def shared():
    """The reference folder (`KETENTEST_SHARED`, default ../shared): skipped without it, failed in CI."""
    folder = Path(os.environ.get("KETENTEST_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        reason = f"reference folder {folder} is absent; set KETENTEST_SHARED"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture
def counterparties(monkeypatch):
    """Hold the counterparties of the lab as they start, so that a test can look into their memory."""
    from harness.lab import Lab

    found, start = [], Lab.start

    async def watched(self, place):
        running = await start(self, place)
        found.append(running.counterparty)
        return running

    monkeypatch.setattr(Lab, "start", watched)
    return found
