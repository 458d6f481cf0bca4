"""The addresses of the local page: who, the open steps, a step with its form, its pictures, the report as it grows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiohttp import web

from harness.attestations import Attestation, Declaration
from harness.attesting import Overtaken
from harness.errors import KetentestError
from harness.images import PNG, is_picture
from harness.model import Text
from harness.testers import pages, views
from harness.testers.board import Ask
from harness.testers.drafts import Draft, Overwritten
from harness.testers.gate import HEADERS, LIFE, Gate, NoEntry, Session
from harness.testers.kinds import KINDS_IN_WORDS
from harness.testers.pages import PageWording
from harness.testers.receiving import MAX_FILE, Form, Malformed, TooLarge, receive, waiting_room
from harness.testers.roles import ROLES
from harness.testers.views import Looking
from harness.testers.workplace import UnknownStep, Workplace, Wrong

_STATUS: Final[dict[type[KetentestError], int]] = {
    NoEntry: 403, UnknownStep: 404, TooLarge: 413, Malformed: 400, Overwritten: 409, Overtaken: 409,
}  # fmt: skip
_HTTP: Final = {
    404: Text("Deze pagina bestaat niet.", "There is no such page."),
    405: Text("Zo kan deze pagina niet worden gebruikt.", "This page cannot be used in that way."),
    413: Text("Geweigerd: het formulier is te groot.", "Refused: the form is too large."),
}
REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
LINGER: Final = 60.0
"""How long a refused upload may run out, unread, so that the browser still shows the sentence."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The pages of one workplace behind one gate."""

    def __init__(self, place: Workplace, gate: Gate, by: str = "", function: str = "") -> None:
        self.place, self.gate = place, gate
        self.by, self.function = by, function

    def app(self) -> web.Application:
        """Return the application; the gate stands before every address."""
        app = web.Application(middlewares=[self._guarded], client_max_size=256 * 1024)
        app.router.add_routes(
            [
                web.get("/enter", self.enter),
                web.get("/page.css", self.style),
                web.get("/page.js", self.script),
                web.get("/icon.svg", self.icon),
                web.get("/me", self.me),
                web.post("/me", self.take_me),
                web.post("/invite", self.invite),
                web.get("/", self.board),
                web.get("/report", self.report),
                web.get("/declare", self.declaration),
                web.post("/declare", self.take_declaration),
                web.get("/step/{connection}/{row}", self.step),
                web.post("/step/{connection}/{row}", self.take_step),
                web.get("/file/{connection}/{row}/{sha256}", self.picture),
            ]
        )
        return app

    # ---- before every address ----------------------------------------------------------------------------------

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self.gate.check(request)
            response = await handler(request)
        except KetentestError as wrong:
            response = self._refused(request, wrong.text, _STATUS.get(type(wrong), 422))
        except web.HTTPException as other:
            if other.status < 400:
                response = web.Response(status=other.status, headers={"Location": other.headers["Location"]})
            else:
                response = self._refused(request, _HTTP.get(other.status, _HTTP[405]), other.status)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as wrong:  # noqa: BLE001 - our own failure: one sentence, and the draft stands
            what = type(wrong).__name__
            said = Text(*(t.format(what=what) for t in pages.texts()["own_failure"]))
            response = self._refused(request, said, 500)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _refused(self, request: web.Request, said: Text, status: int) -> web.Response:
        try:
            session: Session | None = self.gate.session(request)
        except NoEntry:
            session = None
        lang = session.lang if session else self.gate.lang
        if _wants_json(request):
            return web.json_response({"message": said.of(lang), "bad": True}, status=status)
        text = pages.page("refused", lang, lines=said.of(lang).splitlines(), inside=bool(session and session.by))
        return _html(text, status)

    async def _look(self, request: web.Request) -> Looking:
        session = self.gate.session(request)
        found = await asyncio.to_thread(self.place.board)
        return Looking(found, session, PageWording(session.lang), await asyncio.to_thread(self.place.drafts.all))

    def _introduced(self, request: web.Request) -> Session:
        session = self.gate.session(request)
        if not session.by:
            raise web.HTTPSeeOther("/me")
        return session

    # ---- coming in ---------------------------------------------------------------------------------------------

    async def enter(self, request: web.Request) -> web.Response:
        """Let a browser in by its link; the token leaves the address at once."""
        session = self.gate.enter(request)
        session.by, session.function = session.by or self.by, session.function or self.function
        response = _html(pages.page("enter", session.lang))
        response.set_cookie(self.gate.cookie, session.ident, max_age=LIFE, httponly=True, samesite="Strict", path="/")
        return response

    async def style(self, request: web.Request) -> web.Response:
        """Return the style sheet."""
        return web.Response(text=pages.style(), content_type="text/css")

    async def script(self, request: web.Request) -> web.Response:
        """Return the script."""
        return web.Response(text=pages.script(), content_type="text/javascript")

    async def icon(self, request: web.Request) -> web.Response:
        """Return the little picture of the tab."""
        return web.Response(text=pages.ICON, content_type="image/svg+xml")

    async def me(self, request: web.Request) -> web.Response:
        """Ask who works here, and on which roles."""
        return await self._who(await self._look(request))

    async def take_me(self, request: web.Request) -> web.Response:
        """Take note of who works here."""
        session = self.gate.session(request)
        given = await request.post()
        by, function = (str(given.get(key, "")).strip()[:120] for key in ("by", "function"))
        session.roles = frozenset(str(role) for role in given.getall("role", [])) & ROLES.keys()
        session.lang = "en" if given.get("lang") == "en" else "nl"
        if not (by and function):
            return await self._who(await self._look(request), wrong=True)
        session.by, session.function = by, function
        raise web.HTTPSeeOther("/")

    async def _who(self, look: Looking, *, wrong: bool = False) -> web.Response:
        known = {said.by for said in look.board.ledger.attestations} | {draft.author for draft in look.drafts}
        values = {"roles": views.roles(look), "known": sorted(known), "wrong": wrong, "run": views.run_line(look)}
        return _html(pages.page("me", look.say.lang, session=look.session, **values), 422 if wrong else 200)

    async def invite(self, request: web.Request) -> web.Response:
        """Make a link for one more browser."""
        session = self._introduced(request)
        run = views.run_line(await self._look(request))
        return _html(pages.page("invite", session.lang, session=session, run=run, link=self.gate.link()))

    # ---- reading -----------------------------------------------------------------------------------------------

    async def board(self, request: web.Request) -> web.Response:
        """List the steps of the tester's roles."""
        self._introduced(request)
        look = await self._look(request)
        only = request.query.get("connection", "")
        if only and only not in look.board.asks:
            self.place.ask(only, "")
        values = await asyncio.to_thread(views.board, look, only)
        return _html(pages.page("board", look.say.lang, **values))

    async def report(self, request: web.Request) -> web.Response:
        """Show the report as it stands now; it brings its own, stricter policy."""
        session = self.gate.session(request)
        response = _html(await asyncio.to_thread(self.place.report, session.lang))
        response.headers["Content-Security-Policy"] = REPORT_POLICY
        return response

    async def step(self, request: web.Request) -> web.Response:
        """Show a step with its form."""
        session = self._introduced(request)
        ask = await self._ask(request)
        draft = await asyncio.to_thread(self.place.fresh, ask, session.by, session.function)
        faster = self.place.faster(ask, draft.seen) if draft.saved else ()
        return await self._form(request, ask, self.place.having_seen(ask, draft), faster=faster)

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """Show a picture that was added to a step."""
        ask = await self._ask(request)
        path = await asyncio.to_thread(self.place.picture, ask, request.match_info["sha256"])
        if path is None or not path.is_file():
            raise web.HTTPNotFound
        data = await asyncio.to_thread(path.read_bytes)
        if not is_picture(data):
            raise web.HTTPNotFound
        return web.Response(body=data, content_type="image/png" if data.startswith(PNG) else "image/jpeg")

    async def _ask(self, request: web.Request) -> Ask:
        connection, row = request.match_info["connection"], request.match_info["row"]
        return await asyncio.to_thread(self.place.ask, connection, row)

    async def _form(
        self,
        request: web.Request,
        ask: Ask,
        draft: Draft,
        *,
        wrong: list[Wrong] | None = None,
        refused: list[Text] | None = None,
        faster: tuple[Attestation, ...] = (),
        status: int = 200,
    ) -> web.Response:
        look = await self._look(request)
        say = look.say
        values = await asyncio.to_thread(views.step, look, ask, draft, faster)
        large = Text(
            f"Geweigerd: {{name}} is groter dan {MAX_FILE >> 20} MB; lever een uitsnede of een kleiner bestand.",
            f"Refused: {{name}} is larger than {MAX_FILE >> 20} MB; give a part of it or a smaller file.",
        )
        values |= {
            "wrong": {w.field: w.text.of(say.lang) for w in wrong or ()},
            "refused": [text.of(say.lang) for text in refused or ()],
            "providers": self.place.providers(ask),
            "today": self.place.today.isoformat(),
            "kinds": KINDS_IN_WORDS.of(say.lang),
            "most_mb": MAX_FILE >> 20,
            "most_bytes": MAX_FILE,
            "notes": (),
            "too_large": large.of(say.lang),
        }
        return _html(pages.page("step", say.lang, **values), status)

    # ---- the declaration ---------------------------------------------------------------------------------------

    async def declaration(self, request: web.Request) -> web.Response:
        """Ask who answers for the report."""
        session = self._introduced(request)
        said = Declaration(session.by, session.function, self.place.today)
        return await self._declare(request, said)

    async def take_declaration(self, request: web.Request) -> web.Response:
        """Record who answers for the report."""
        session = self._introduced(request)
        given = {key: str(value)[:200] for key, value in (await request.post()).items()}
        said, wrong = self.place.declaring(given)
        if wrong:
            return await self._declare(request, said, wrong)
        await asyncio.to_thread(self.place.declare, said)
        session.told = [PageWording(session.lang)("declared_told", by=said.by)]
        raise web.HTTPSeeOther("/declare")

    async def _declare(self, request: web.Request, said: Declaration, wrong: Sequence[Wrong] = ()) -> web.Response:
        look = await self._look(request)
        values = await asyncio.to_thread(views.declaration, look, said)
        mistakes = {w.field: w.text.of(look.say.lang) for w in wrong}
        text = pages.page("declare", look.say.lang, wrong=mistakes, today=self.place.today.isoformat(), **values)
        return _html(text, 422 if wrong else 200)

    # ---- writing -----------------------------------------------------------------------------------------------

    async def take_step(self, request: web.Request) -> web.StreamResponse:
        """Take in the form of a step: keep it as a draft, and record it when that is asked."""
        session = self._introduced(request)
        ask = await self._ask(request)
        with waiting_room() as folder:
            form = await receive(request, folder, hash_only=ask.production)
            draft = await asyncio.to_thread(self.place.typed, ask, session.by, form)
        wish = form.fields.get("do", "draft")
        if wish in ("discard", "leave"):
            await asyncio.to_thread(self.place.throw_away, draft)
            return await self._onwards(request, ask, leave=wish == "leave")
        try:
            draft = await asyncio.to_thread(self.place.save, draft)
        except Overwritten as wrong:
            if _wants_json(request):
                raise
            draft = await asyncio.to_thread(self.place.brought_up, draft)
            return await self._form(request, ask, draft, refused=[wrong.text], status=409)
        if wish.startswith("remove:"):
            draft = await asyncio.to_thread(self.place.take_out, draft, wish[7:])
        if wish == "attest":
            return await self._record(request, ask, draft, form)
        return await self._saved(request, ask, draft, form)

    async def _saved(self, request: web.Request, ask: Ask, draft: Draft, form: Form) -> web.StreamResponse:
        look = await self._look(request)
        told = [look.say("saved_at", time=look.say.time(draft.moment))]
        faster = self.place.faster(ask, draft.seen)
        if not _wants_json(request):
            if form.refused:
                return await self._form(request, ask, draft, refused=form.refused, faster=faster, status=422)
            look.session.told += [*told, *_tidings(look.say, form)]
            raise web.HTTPSeeOther(views.href(ask.connection, ask.row.id))
        if faster:
            told.append(
                look.say(
                    "faster_short",
                    by=faster[-1].by,
                    function=faster[-1].function,
                    verdict=look.say.verdict(faster[-1].verdict),
                )
            )
        answer: dict[str, Any] = {
            "message": " ".join(told),
            "bad": bool(faster),
            "notes": " ".join(_tidings(look.say, form)),
            "revision": draft.revision,
            "refused": [text.of(look.say.lang) for text in form.refused],
            "files": pages.page("files", look.say.lang, proofs=views.shown(look, ask, draft.files)),
        }
        return web.json_response(answer)

    async def _record(self, request: web.Request, ask: Ask, draft: Draft, form: Form) -> web.StreamResponse:
        wrong = self.place.mistakes(ask, draft, form)
        if wrong or form.refused:
            return await self._form(request, ask, draft, wrong=wrong, refused=form.refused, status=422)
        before = views.counts(await asyncio.to_thread(self.place.board), PageWording("nl"))
        try:
            said = await asyncio.to_thread(self.place.record, ask, draft)
        except Overtaken:
            ask = await self._ask(request)
            faster = self.place.faster(ask, draft.seen)
            return await self._form(request, ask, self.place.having_seen(ask, draft), faster=faster, status=409)
        look = await self._look(request)
        look.session.grown = views.grown(before, views.counts(look.board, PageWording("nl")))
        look.session.told = [look.say("recorded", step=ask.row.id, verdict=look.say.verdict(said.verdict))]
        return await self._onwards(request, ask, leave=True)

    async def _onwards(self, request: web.Request, ask: Ask, *, leave: bool) -> web.StreamResponse:
        look = await self._look(request)
        if not leave:
            look.session.told = [look.say("thrown_away", step=ask.row.id)]
            raise web.HTTPSeeOther(views.href(ask.connection, ask.row.id))
        after = look.board.following(ask, look.session.roles)
        if after is None:
            look.session.told.append(look.say("recorded_last"))
            raise web.HTTPSeeOther("/")
        look.session.told.append(look.say("recorded_next"))
        raise web.HTTPSeeOther(views.href(after.connection, after.row.id))


def _tidings(say: PageWording, form: Form) -> list[str]:
    masked = sum(file.masked for file in form.files)
    told = [say.count("added", len(form.files))] if form.files else []
    told += [say.count("masked", masked)] if masked else []
    return [*told, *(f"{noted.of(say.lang)}." for noted in form.noted)]


def _wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)
