"""Serve the page of a scenario folder, and let testers in with a browser of their own each."""

import re
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from harness.chain import load
from harness.testers.gate import Gate
from harness.testers.serve import listening
from harness.testers.site import Site
from harness.testers.workplace import Workplace

ROOT = Path(__file__).resolve().parents[2]
PNG = (Path(__file__).parent / "picture.png").read_bytes()


def only(text, *connections):
    """Return the scenario `text` with only some of its connections."""
    kept, keep = [], True
    for line in text.splitlines():
        if line.startswith("["):
            parts = line.strip("[]").split(".")
            keep = parts[0] != "connections" or parts[1] in connections
        if keep:
            kept.append(line)
    return "\n".join(kept) + "\n"


@asynccontextmanager
async def opened(folder):
    """Serve the page of a scenario folder."""
    site = Site(Workplace(load(folder), folder / "runs"), Gate())
    async with listening(site) as gate:
        yield gate


class Tester:
    """A person with a browser: fills in forms as the page has them."""

    def __init__(self, client):
        self.client = client

    async def get(self, path, **headers):
        return await self.client.get(path, headers=headers)

    async def post(self, path, data=None, files=(), **headers):
        origin = str(self.client.base_url).rstrip("/")
        return await self.client.post(path, data=data, files=list(files) or None, headers={"Origin": origin} | headers)

    async def form(self, path):
        """Return the hidden and filled-in fields of a step's form."""
        text = (await self.get(path)).text
        form = text[text.index('<form class="say"') :]
        found = dict(re.findall(r'<input (?:type="\w+" )?(?:id="\w+" )?name="(\w+)" value="([^"]*)"', form))
        found |= dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        found["statement"] = re.search(r"<textarea[^>]*>(.*?)</textarea>", form, re.DOTALL)[1]
        return found

    async def write(self, path, do="attest", files=(), **fields):
        """Fill in a step's form and send it, as a browser without script does."""
        form = await self.form(path)
        given = {"verdict": "pass", "statement": "Gezien en in orde."} | fields
        parts = [("files", (name, data, "application/octet-stream")) for name, data in files]
        return await self.post(path, form | given | {"do": do}, parts or [("files", ("", b"", ""))])


@asynccontextmanager
async def let_in(gate, by="Anna Jansen", function="tester", roles=()):
    """Let a tester in by a link of his own."""
    async with httpx.AsyncClient(base_url=gate.origin, timeout=60, trust_env=False) as client:
        await client.get(gate.link())
        person = Tester(client)
        await person.post("/me", {"by": by, "function": function, "role": list(roles)})
        yield person
