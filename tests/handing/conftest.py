"""A run of an invented municipality on disk, and keys to sign its report with."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "report")]


@pytest.fixture(scope="session")
def authority():
    import signers

    return signers.Authority()


@pytest.fixture(scope="session")
def rsa_key():
    import signers

    return signers.new_key()


@pytest.fixture
def folder(tmp_path):
    """The run of Digipoort that fails, with its evidence, in `runs/` beside its scenario folder."""
    from handed import keep

    return keep(tmp_path)


@pytest.fixture
def ketentest(monkeypatch, capsys):
    """Call the command as a user does: exit code, output, errors."""
    from harness.cli import main

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["ketentest", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code or 0
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return call


@pytest.fixture
def server_pem(tmp_path, authority, rsa_key):
    """A file with a server certificate, its chain and its key."""
    import signers
    from handed import write

    return write(tmp_path / "server.pem", authority, rsa_key, extended=signers.SERVER)


@pytest.fixture
def seal_pem(tmp_path, authority, rsa_key):
    """A file with a certificate made for signatures, its chain and its key."""
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from handed import write

    changes = {"named": ("content_commitment",), "extended": (ExtendedKeyUsageOID.EMAIL_PROTECTION,)}
    return write(tmp_path / "seal.pem", authority, rsa_key, **changes)


@pytest.fixture
def root_pem(tmp_path, authority):
    import signers

    path = tmp_path / "root.pem"
    path.write_bytes(signers.pem([authority.root]))
    return path


@pytest.fixture(scope="session")
def tool():
    """Run a tool of the machine; skip with the reason where it is not installed (scripts/system installs it)."""

    def run(*words, code=0, **more):
        if shutil.which(words[0]) is None:
            pytest.skip(f"{words[0]} is not installed; scripts/system lists it")
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, check=False, **more)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run
