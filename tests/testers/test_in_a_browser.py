"""The page for testers in a real browser, served by the command itself."""

import asyncio
import os
import re
import shutil
import sys

import pytest
from visiting import PNG, ROOT

from harness.attestations import read


@pytest.fixture
async def served(folder):
    """The link that `ketentest attest --serve` prints."""
    command = [
        sys.executable,
        "-c",
        "from harness.cli import main; main()",
        "attest",
        "--serve",
        "--scenario",
        str(folder),
        "--runs",
        str(folder),
    ]
    environ = os.environ | {"PYTHONUNBUFFERED": "1"}
    pipes = {
        "stdin": asyncio.subprocess.DEVNULL,
        "stdout": asyncio.subprocess.PIPE,
        "stderr": asyncio.subprocess.STDOUT,
    }
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environ, **pipes)
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    yield re.search(r"http://127\.0\.0\.1:\d+/enter\?token=\S+", line)[0]
    process.terminate()
    rest, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, rest.decode()
    assert "Traceback" not in rest.decode()


@pytest.mark.slow
async def test_people_work_on_the_page_with_keyboard_mouse_and_without_script(served, folder):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    missing = [name for name in ("axe-core", "playwright-core") if not (ROOT / "node_modules" / name).is_dir()]
    if not browser or missing or not shutil.which("node"):
        pytest.skip("no browser, playwright-core or axe-core; run scripts/install-browser.sh")
    looks = folder / "looks"
    looks.mkdir()
    (looks / "afdruk.png").write_bytes(PNG)
    with (looks / "groot.pdf").open("wb") as large:
        large.write(b"%PDF-1.7\n")
        large.truncate(1 << 30)
    walk = ["node", str(ROOT / "tests" / "testers" / "walk.mjs"), browser, served, str(looks)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*walk, cwd=ROOT, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    told, _ = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0, told.decode()
    assert [said.by for said in read(folder / "attestations.toml").declarations] == ["Dirk"]
    by = [said.by for said in read(folder / "attestations.toml").attestations]
    assert sorted(by) == ["Anna Jansen", "Bart de Wit", "Bart de Wit", "Carla", "Dirk"]
    assert not [path for path in (folder / "bewijs").iterdir() if path.stat().st_size > 1 << 20]
