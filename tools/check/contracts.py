"""What we send to Google and Microsoft, recorded on the way to the stand-ins, against the vendors' own documents.

The documents are not part of this repository: where `shared/contracts` does not lie beside it, the check is skipped.
"""

import contextlib
import http.client
import http.server
import json
import subprocess
import tempfile
import threading
import urllib.parse
from pathlib import Path

from .openapi import session
from .programs import tools
from .report import ROOT, Failed, Proof, Skipped
from .secrets import Story
from .stack import local_stack

PLACES = [ROOT.parent / "shared" / "contracts", ROOT.parent.parent / "shared" / "contracts"]
# The setting that names a vendor's API, and the vendor's document.
VENDORS = {"GOOGLE_CALENDAR_URL": "google", "MICROSOFT_GRAPH_URL": "msgraph"}
# Documented by Microsoft, but left out of the trimmed document: https://learn.microsoft.com/graph/api/user-get-mailboxsettings
LEFT_OUT = {("GET", "/me/mailboxSettings")}
# Calendars, events, one event, and its four changes.
LEAST_OPERATIONS = 5
PERSON = "user_2Contracts"


class Recorder(http.server.BaseHTTPRequestHandler):
    """Hands a request on as it came, and keeps it."""

    protocol_version = "HTTP/1.1"

    def pass_on(self):
        """One request there and back."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        url = urllib.parse.urlsplit(self.path)
        sent = {"method": self.command, "path": urllib.parse.unquote(url.path), "query": dict(urllib.parse.parse_qsl(url.query))}
        self.server.kept.append(sent | {"body": json.loads(body) if body else None})
        target = self.server.target
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
        connection.request(self.command, target.path + self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def recorder(target):
    """A server that records what goes to `target`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.kept, server.target = [], urllib.parse.urlsplit(target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def live(stack):
    """Everything that makes us speak to a calendar."""
    base, token = stack["base_url"], session(stack["control_url"], PERSON)
    story = Story(stack)
    ask = lambda *call, **more: story.ask(*call, headers={"authorization": f"Bearer {token}"}, **more)
    guest = {"name": "Guest Example", "email": "guest@example.com", "phone": "+15550100123"}
    connections = ask("GET", "/calendar/connections", wants=200)["connections"]
    for day, connection in enumerate(connections):
        ask("POST", f"/calendar/connections/{connection['id']}/default", wants=204)
        ask("POST", f"/calendar/connections/{connection['id']}/verify", wants=200)
        event = {"subject": "Talk", "start_time": f"2026-01-1{2 + day}T15:00:00Z", "end_time": f"2026-01-1{2 + day}T15:30:00Z", "attendees": [guest["email"]], "body": "About it", "location": "Here", "is_online_meeting": True}
        made = ask("POST", "/calendar/events", event | {"connection_id": connection["id"]}, wants=201)
        made = made.get("event", made)
        ask("GET", f"/calendar/events/{made['id']}", wants=200)
        ask("PATCH", f"/calendar/events/{made['id']}", {"subject": "Another"}, wants=200)
        ask("DELETE", f"/calendar/events/{made['id']}", wants=204)
        booked = ask("POST", "/calendar/bookings", {"start": f"2026-01-2{day}T15:00:00Z", "duration_minutes": 30, "attendee": guest, "notes": "Note", "is_online_meeting": True}, wants=201)
        ask("POST", f"/calendar/bookings/{booked['id']}/reschedule", {"start": f"2026-01-2{day}T16:00:00Z"}, wants=200)
        ask("POST", f"/calendar/bookings/{booked['id']}/cancel", wants=200)
    for path in ["events", "availability", "free-busy", "calendars", "schedule"]:
        ask("GET", f"/calendar/{path}", wants=200)
    ask("GET", "/calendar/events?include_cancelled=true", wants=200)


def check():
    """No request of ours that the vendors' documents do not know."""
    place = next((place for place in PLACES if place.is_dir()), None)
    if place is None:
        raise Skipped("the vendors' contracts are absent: no ../shared/contracts")
    with contextlib.ExitStack() as stack:
        # The stand-ins of one stack, used by another: only so can somebody stand between.
        world = stack.enter_context(local_stack())
        kept = {name: stack.enter_context(recorder(world["env"][name])) for name in VENDORS}
        foreign = {name: value for name, value in world["env"].items() if name.startswith(("GOOGLE_", "MICROSOFT_"))}
        foreign |= {name: f"http://127.0.0.1:{server.server_port}" for name, server in kept.items()}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "env").write_text("".join(f"{name}={value}\n" for name, value in foreign.items()))
        live(stack.enter_context(local_stack("--env-file", str(folder / "env"))))
        figures, wrong = [], []
        for name, vendor in VENDORS.items():
            recorded = folder / f"{vendor}.jsonl"
            known = [request for request in kept[name].kept if (request["method"], request["path"]) not in LEFT_OUT]
            recorded.write_text("".join(json.dumps(request) + "\n" for request in known))
            command = [tools() / "python", ROOT / "tools" / "requests_by_contract.py", place / vendor / "openapi.trimmed.json", recorded]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                wrong.append(f"{vendor}: {done.stderr.strip()}")
                continue
            counted = json.loads(done.stdout)
            if len(counted) < LEAST_OPERATIONS:
                wrong.append(f"{vendor}: only {sorted(counted)} were asked for")
            figures.append(f"{vendor}: {sum(counted.values())} requests, {len(counted)} operations")
    if wrong:
        raise Failed("\n".join(wrong))
    return Proof("contracts", "our requests fit the vendors' documents", "Google's and Microsoft's contracts", "; ".join(figures))
