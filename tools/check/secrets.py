"""Canaries: a whole story with secrets that can be recognised, then a search for each of them in every log line, answer
and row, as it is and as base64 or hex."""

import base64
import json
import re
import sqlite3
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .report import Failed, Proof
from .stack import local_stack

USER, OTHER = "user_2Canary", "user_2CanaryOther"
# What people may find again, and where: never in a log.
PERSONAL = {
    "account": "canary.account@example.com",
    "guest's address": "canary.guest@example.com",
    "guest's phone": "+15550142857",
    "guest's name": "Canaria Guestexample",
    "notes": "canary-notes-about-an-illness",
    "title": "canary-title-of-a-booking",
}
ALLOWED = {"rows", "answers"}
# What only passes through: the front end's and the provider's words in requests that fail.
PASSING = {"code": "EXAMPLE-canary-authorization-code", "handle": "EXAMPLE-canary-handle-0123456789", "bearer": "EXAMPLE-canary-bearer-0123456789"}
# Settings that are secrets, from the ready line.
SETTINGS = ["GOOGLE_CLIENT_SECRET", "MICROSOFT_CLIENT_SECRET", "CLERK_WEBHOOK_SECRET", "FLOW_ROOT", "VAPI_ROOT"]
# A canary of fewer characters, in base64 or as the digits of a number, is in some answer by chance.
SHORTEST = 12
# How tokens, codes and the flow's cookie begin, in a URL's spelling as well; random letters follow, so that only what
# follows makes a match.
SLASH = rb"(?:/|%2[Ff])"
BEGINS = rb"(?:ya29\.a0|1" + SLASH * 2 + rb"03|1\.AX|4" + SLASH + rb"0A)[\w-]{20}|slk_flow_[0-9a-f]{8}=[\w-]{20}"
MICROSOFTS = rb"EwB-[\w-]{20}"
# In the middle of base64 the same letters stand by chance; what JSON or a URL escapes ends in a letter and is no base64.
ESCAPED = rb"(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f]{2})"
# Rows hold ciphertexts in base64, everything else signatures in base64url, which has neither a dot nor a slash.
TOKENS = {
    "rows": re.compile(rb"(?:(?<![A-Za-z0-9+/])|" + ESCAPED + rb")(?:" + BEGINS + rb"|" + MICROSOFTS + rb")"),
    "elsewhere": re.compile(BEGINS + rb"|(?:(?<![\w-])|" + ESCAPED + rb")" + MICROSOFTS),
}
# Each must be found after whatever may stand before it.
PLANTED = ["ya29.a0", "1//03", "1%2F%2F03", "1%2f%2f03", "EwB-", "1.AX", "4/0A", "4%2F0A", "slk_flow_0a1b2c3d=", "__Host-slk_flow_0a1b2c3d="]
BEFORE = {"rows": ['"', " ", "\n", "\\n", "=", "%22", "\\t"], "elsewhere": ['"', " ", "\n", "\\n", "=", "%3D", "\\t", "/tokens/"]}


def spellings(secret):
    """The ways in which a text hides: itself, JSON's and URL's, hex, and base64 wherever in a group of three it begins."""
    raw = secret.encode()
    yield raw
    yield urllib.parse.quote(secret, safe="").encode()
    yield raw.hex().encode()
    for before in range(3):
        for encode in [base64.b64encode, base64.urlsafe_b64encode]:
            encoded = encode(b"\0" * before + raw)
            # The letters at both ends depend on the neighbours.
            yield encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def found(text, canaries, place="elsewhere"):
    """The names of the canaries that a text holds."""
    names = {name for name, secret in canaries.items() if any(spelling in text for spelling in spellings(secret))}
    return names | ({"a provider's token"} if TOKENS.get(place, TOKENS["elsewhere"]).search(text) else set())


def secret_part(token):
    """The secret of `slk_<id>_<secret>` or `slv_<id>_<secret>`, which may hold underscores itself."""
    return token.split("_", 2)[2]


def self_test(canaries):
    """The search finds what is planted, in every spelling, and no canary is so short that chance could plant it."""
    for name, secret in canaries.items():
        if len(secret) < SHORTEST:
            raise Failed(f"{name} has {len(secret)} characters, too few to be told from chance")
        for spelling in [secret.encode(), secret.encode().hex().encode(), *(base64.b64encode(b"x" * n + secret.encode() + b"yz") for n in range(3))]:
            if name not in found(b'{"message":"' + spelling + b'"}', canaries):
                raise Failed(f"the search does not find a planted {name}: {spelling!r}")
    for place, before in BEFORE.items():
        for planted in [start + token for start in before for token in PLANTED]:
            if not found(f'{{"message":"{planted}{"A" * 20}"}}'.encode(), {}, place):
                raise Failed(f"the search in {place} does not find a planted {planted}")
    for chance in [b"xEwB-" + b"A" * 30, b"+1//03" + b"A" * 30]:
        if found(chance, {}, "rows"):
            raise Failed(f"the search takes base64 for a token: {chance!r}")
    if found(b"nothing", canaries):
        raise Failed(f"the search finds {found(b'nothing', canaries)} in nothing")


class Story:
    """Speaks to the stack and keeps what the API answered."""

    def __init__(self, stack):
        self.stack, self.answers, self.canaries = stack, [], PERSONAL | PASSING
        self.canaries |= {name: stack["env"][name].removeprefix("whsec_") for name in SETTINGS}

    def send(self, method, url, body=None, headers=None):
        """Status and text of an answer, whatever the status."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"content-type": "application/json"} | (headers or {}), method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay).open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, f"{refused.headers}{refused.read().decode()}" if refused.code < 400 else refused.read().decode()

    def control(self, name, body):
        """One call of the control surface; its answers are not the software's."""
        status, text = self.send("POST", f"{self.stack['control_url']}/{name}", body)
        if status != 200:
            raise Failed(f"{name} {body}: {status} {text}")
        return json.loads(text)

    def session(self, user):
        """A session of a user's; its signature is a canary."""
        token = self.control("sessions", {"user_id": user})["token"]
        self.canaries[f"session {len(self.canaries)}"] = token.rsplit(".", 1)[1]
        return {"authorization": f"Bearer {token}"}

    def ask(self, method, path, body=None, headers=None, wants=None):
        """One call to the API; the answer is kept."""
        status, text = self.send(method, f"{self.stack['base_url']}{path}", body, self.session(USER) if headers is None else headers)
        self.answers.append(f"{method} {path.split('?')[0]} {status} {text}")
        if wants is not None and status != wants:
            raise Failed(f"{method} {path}: {status} {text}")
        return json.loads(text) if text.startswith(("{", "[")) else {}


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: where one leads is an answer of ours."""

    def redirect_request(self, *_):
        return None


def live(story):
    """Connect, look, book, telephone, be refused, fail, refresh, disconnect."""
    story.control("users", {"user_id": USER, "email": PERSONAL["account"]})
    for provider in ["google", "microsoft"]:
        story.control("connect", {"owner": f"user:{USER}", "provider": provider, "account": PERSONAL["account"]})
    looks = ["/calendar/auth/status", "/calendar/connections", "/calendar/calendars", "/calendar/events", "/calendar/availability", "/users/me", "/calendar/bookings"]
    guest = {"name": PERSONAL["guest's name"], "email": PERSONAL["guest's address"], "phone": PERSONAL["guest's phone"]}
    wanted = {"start": "2026-01-13T15:00:00Z", "duration_minutes": 30, "attendee": guest, "notes": PERSONAL["notes"], "title": PERSONAL["title"]}
    booked = story.ask("POST", "/calendar/bookings", wanted, wants=201)
    story.ask("POST", "/calendar/bookings", wanted, wants=409)
    story.ask("POST", "/calendar/bookings", wanted | {"start": "never", "attendee": guest | {"email": "no address"}}, wants=422)
    story.ask("POST", f"/calendar/bookings/{booked['id']}/reschedule", {"start": "2026-01-14T15:00:00Z"}, wants=200)
    event = {"subject": PERSONAL["title"], "start_time": "2026-01-15T15:00:00Z", "end_time": "2026-01-15T15:30:00Z", "body": PERSONAL["notes"], "attendees": [PERSONAL["guest's address"]]}
    story.ask("POST", "/calendar/events", event, wants=201)
    for path in looks:
        story.ask("GET", path, wants=200)
    connecting(story)
    telephone(story, guest)
    business = story.ask("POST", "/api/v1/businesses", {"name": "Example Hair", "google_calendar_timezone": "America/New_York"}, wants=201)
    story.control("connect", {"owner": business["owner"], "provider": "google", "account": PERSONAL["account"]})
    token = story.control("service-tokens", {"tenant": business["owner"], "scopes": ["business:*"]})["token"]
    story.canaries["service token"] = secret_part(token)
    service = {"authorization": f"Bearer {token}"}
    story.ask("POST", "/api/v1/bookings", {"start_time": "2026-01-13T16:00:00Z", "attendee": guest, "notes": PERSONAL["notes"]}, service, wants=201)
    refused(story)
    for system, kind in [("google", "status"), ("microsoft", "status"), ("google", "drop_after_commit"), ("dynamodb", "status"), ("kms", "status")]:
        story.control("faults", {"system": system, "kind": kind, "times": 4, "value": 500})
        story.ask("GET", "/calendar/events")
        story.ask("POST", "/calendar/bookings", wanted | {"start": "2026-01-16T15:00:00Z"})
    for _ in range(20):
        story.ask("GET", "/calendar/events")
    story.control("clock", {"advance_seconds": 7200})
    story.control("run", {"function": "token-refresh"})
    story.control("run", {"function": "reconcile"})
    story.control("faults", {"system": "google", "kind": "revoke", "times": 1})
    for path in looks:
        story.ask("GET", path)
    story.ask("POST", f"/calendar/bookings/{booked['id']}/cancel", wants=200)


def connecting(story):
    """A flow step by step: what its redirects and its cookie carry belongs to one browser."""
    base = story.stack["base_url"]
    _, head = story.send("GET", f"{base}/calendar/auth/start?user_id={USER}&provider=google")
    state, cookie = re.search(r"[?&]state=([\w-]+)", head), re.search(r"slk_flow_\w+=([\w-]+)", head)
    _, head = story.send("GET", f"{base}/calendar/auth/callback/google?code={PASSING['code']}&state={state[1]}", headers={"cookie": cookie[0]})
    handle = re.search(r"handle=([\w.-]+)", head)[1]
    story.canaries |= {"state": state[1], "flow's cookie": cookie[1], "flow's handle": handle}
    # The provider never gave this code.
    story.ask("POST", "/calendar/auth/complete", {"handle": handle}, wants=400)


def telephone(story, guest):
    """A caller who looks, books, and is refused."""
    line = story.control("vapi-credentials", {"tenant": f"user:{USER}", "kind": "secret"})["secret"]
    story.canaries["phone line"] = secret_part(line)
    tools = [("check_availability", {"date": "monday"}), ("book_appointment", {"date": "2026-01-12", "time": "2 PM", "name": guest["name"], "notes": PERSONAL["notes"]})]
    for secret in [line, PASSING["bearer"]]:
        for number, (name, arguments) in enumerate(tools * 2):
            call = {"id": "call-1", "customer": {"number": guest["phone"]}}
            asked = [{"id": f"t{number}", "name": name, "arguments": arguments}]
            story.ask("POST", "/vapi/webhook", {"message": {"type": "tool-calls", "call": call, "toolCallList": asked}}, {"x-vapi-secret": secret})


def refused(story):
    """Requests that must fail with secrets in them."""
    story.ask("GET", "/calendar/events", headers={"authorization": f"Bearer {PASSING['bearer']}"}, wants=403)
    story.ask("GET", "/calendar/events", headers=story.session(OTHER))
    story.ask("GET", f"/calendar/auth/callback/google?code={PASSING['code']}&state={PASSING['handle']}", headers={})
    story.ask("POST", "/calendar/auth/complete", {"handle": PASSING["handle"]})
    signed = {"svix-id": "msg_1", "svix-timestamp": "1767614400", "svix-signature": f"v1,{PASSING['bearer']}"}
    story.ask("POST", "/webhooks/clerk", {"data": {"email": PERSONAL["account"]}}, signed, wants=401)


def rows(folder):
    """Every value of every table of the database's file."""
    database = sqlite3.connect(f"file:{folder / 'tables.sqlite'}?mode=ro", uri=True)
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    parts = [value for name in names for row in database.execute(f'SELECT * FROM "{name}"') for value in row]
    database.close()
    return b"\n".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)


def check():
    """No canary is where it must not be, and each that may be somewhere was seen there."""
    with tempfile.TemporaryDirectory() as folder, local_stack("--data", folder) as stack:
        story = Story(stack)
        live(story)
        self_test(story.canaries)
        _, world = story.send("GET", f"{stack['control_url']}/world")
        lines = json.loads(world)["logs"]
        written = rows(Path(folder))
        story.ask("DELETE", "/calendar/auth/disconnect", wants=200)
        # The process's own output, too: the same lines and whatever else was printed. Its first line holds the settings.
        printed = "\n".join(line for line in stack["log"].read_text(errors="replace").splitlines() if not line.startswith('{"base_url"'))
    places = {"logs": ("\n".join(lines) + printed).encode(), "answers": "\n".join(story.answers).encode(), "rows": written}
    wrong = []
    for place, text in places.items():
        seen = found(text, story.canaries, place)
        may = set(PERSONAL) if place in ALLOWED else set()
        wrong += [f"{place} hold {name}" for name in sorted(seen - may)]
        wrong += [f"{place} do not hold {name}: the story did not reach them" for name in sorted(may - seen)]
    if len(lines) < 30:
        wrong.append(f"only {len(lines)} log lines")
    if wrong:
        raise Failed("\n".join(wrong))
    return Proof("secrets", "no canary in a log line, answer or row", "a search in every spelling", f"{len(story.canaries)} canaries, {len(lines)} lines, {len(story.answers)} answers")
