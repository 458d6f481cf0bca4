"""What is handed out works as installed: an environment with the wheel and its dependencies, far from the source."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def do(*words, cwd, code=0, **environment):
    done = subprocess.run(
        [str(w) for w in words], cwd=cwd, capture_output=True, text=True, timeout=300, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), "XDG_CACHE_HOME": str(cwd / "cache"), "LC_ALL": "C.UTF-8", **environment},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist, built from the source tree."""
    folder = tmp_path_factory.mktemp("dist")
    do(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def place(built, tmp_path_factory):
    """An empty folder with an environment that holds the wheel; its dependencies are borrowed, so that no index is asked."""
    folder = tmp_path_factory.mktemp("elsewhere")
    do(sys.executable, "-m", "venv", "--without-pip", "venv", cwd=folder)
    [packages] = folder.glob("venv/lib/python*/site-packages")
    [wheel] = built.glob("*.whl")
    uv = Path(sys.executable).with_name("uv")
    do(
        uv,
        "pip",
        "install",
        "-q",
        "--offline",
        "--no-deps",
        "--python",
        folder / "venv" / "bin" / "python",
        wheel,
        cwd=folder,
    )
    import typst

    (packages / "borrowed.pth").write_text(f"{Path(typst.__file__).parents[1]}\n")
    return folder


def ketentest(place, *words, code=0):
    return do(place / "venv" / "bin" / "ketentest", *words, cwd=place, code=code)


def test_the_wheel_itself_runs_and_not_the_source_tree(place):
    where = do(place / "venv" / "bin" / "python", "-c", "import harness; print(harness.__file__)", cwd=place).strip()
    assert Path(where).is_relative_to(place)


def test_init_run_report_and_verify_work_from_the_wheel_alone(place):
    ketentest(
        place,
        "init",
        "scenario",
        "--system",
        "tvs-direct",
        "--name",
        "Zorg",
        "--oin",
        "00000099000000005000",
        "--kind",
        "zorgaanbieder",
    )
    ketentest(place, "run", "scenario")
    [folder] = (place / "runs").iterdir()
    ketentest(place, "report", "--format", "html,md,json,junit,pdf", "--bundle")
    for name in ("report.nl.pdf", "report.en.pdf", f"ketentest-{folder.name}.zip"):
        assert "ongewijzigd" in ketentest(place, "verify", folder / name)
    damaged = bytearray((folder / "report.nl.pdf").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / "report.nl.pdf").write_bytes(damaged)
    assert "GEWIJZIGD" in ketentest(place, "verify", folder / "report.nl.pdf", code=1)


def test_pytest_finds_the_plugin_of_the_wheel(place):
    ketentest(
        place,
        "init",
        "tests",
        "--system",
        "tvs-direct",
        "--name",
        "Zorg",
        "--oin",
        "00000099000000005000",
        "--kind",
        "zorgaanbieder",
    )
    out = do(
        place / "venv" / "bin" / "python",
        "-m",
        "pytest",
        "-p",
        "harness.pytest_plugin",
        "tests",
        "--collect-only",
        "-q",
        cwd=place,
    )
    assert "saml.authn" in out


def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    [sdist], [wheel] = built.glob("*.tar.gz"), built.glob("*.whl")
    do("tar", "-xzf", sdist, cwd=tmp_path)
    [source] = tmp_path.glob("ketentest-*")
    do(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again", cwd=source)
    [again] = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert {i.filename: i.CRC for i in one.infolist()} == {i.filename: i.CRC for i in other.infolist()}


def test_the_wheel_holds_the_data_it_needs_and_no_key(built):
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert {"harness/lab/profiles.toml", "harness/report/pdf/report.typ", "harness/report/texts.toml"} <= set(names)
        assert any(name.endswith("licenses/LICENSE") for name in names)
        for name in names:
            assert b"PRIVATE KEY-----\nMII" not in archive.read(name), name
    assert not [name for name in names if "__pycache__" in name or name.endswith((".key", ".p12"))]
