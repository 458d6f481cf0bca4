"""Which files git keeps, from the index itself: every version, a worktree, and what cannot be read is said so."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.git_index import IndexUnreadable, keeps, paths

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    for name in ("certs/tls.key", "certs/tls.pem", "certs/a/b.key", "c", "naam met é.key"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    git(tmp_path, "add", ".")
    (tmp_path / "certs/other.key").write_text("x")
    return tmp_path


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version_of_the_index_is_read(repository, version):
    if version == "3":
        git(repository, "update-index", "--skip-worktree", "c")
    else:
        git(repository, "update-index", "--index-version", version)
    index = (repository / ".git/index").read_bytes()
    assert index[7] == int(version)
    assert len(list(paths(index))) == 5
    assert keeps(repository / "certs/tls.key")
    assert keeps(repository / "naam met é.key")
    assert not keeps(repository / "certs/other.key")


def test_a_worktree_has_its_index_elsewhere(repository, tmp_path_factory):
    git(repository, "-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "-q", "-m", "x")
    other = tmp_path_factory.mktemp("other") / "tree"
    git(repository, "worktree", "add", "-q", str(other), "-b", "other")
    assert keeps(other / "certs/tls.key")


def test_longer_hashes_are_read(tmp_path):
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "tls.key").write_text("x")
    git(tmp_path, "add", ".")
    assert keeps(tmp_path / "tls.key")


def test_half_an_index_is_not_read_as_a_whole(repository):
    git(repository, "update-index", "--split-index")
    with pytest.raises(IndexUnreadable):
        keeps(repository / "certs/tls.key")


def test_without_a_repository_nothing_is_kept(tmp_path):
    assert not keeps(tmp_path / "tls.key")


@given(st.binary(max_size=200), st.sampled_from([2, 3, 4, 5]), st.integers(0, 9))
def test_any_other_bytes_are_no_index(data, version, count):
    try:
        list(paths(b"DIRC" + version.to_bytes(4, "big") + count.to_bytes(4, "big") + data))
    except IndexUnreadable:
        return
