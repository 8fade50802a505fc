"""VAPI's own models as the judge of the telephone: what we are sent here is a message of theirs, what we say fits their answer.

The SDK has types and no code, so that TypeScript's compiler judges: each value is a literal of the SDK's type, where
nothing may lack and nothing may be too much. Where `shared/contracts` lies beside the project, VAPI's own documents
judge the same values.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from .contracts import PLACES
from .node import node, script
from .phone import KINDS, NOTHING, TOOLS, UNKNOWN, message, proof, tool, tool_calls, wild
from .programs import tools
from .report import ROOT, Failed, Proof
from .secrets import Story
from .stack import NOW, local_stack

DOCUMENTS = ["server-messages.trimmed.json", "openapi.trimmed.json"]
RESULTS = "ServerMessageResponseToolCalls"
# Most models of answers require no member, but a message that waits must hear something.
MAY_BE_EMPTY = {*NOTHING, "ServerMessageResponseKnowledgeBaseRequest"}
# What cannot be read gets an answer that fits every message which waits for one.
ANY = ["ServerMessageResponseAssistantRequest", RESULTS, "ServerMessageResponseTransferDestinationRequest"]
UNREADABLE = [[], 7, "text", {}, {"message": 7}, {"message": {"type": 7}}, {"message": {}}]
# The documents want a whole destination of a refused handoff; VAPI's page and the newer SDK take an empty one:
# https://docs.vapi.ai/squads/handoff
NEWER = {"ServerMessageResponseHandoffDestinationRequest"}
# Sentences that must have been heard: the story reached what it is about.
HEARD = [
    "I have ", "Yes, ", "That time is not free", "You're booked", "That time is taken", "We are closed", "in the past", "further ahead", "I need a name", "I need the day",
    "didn't quite get the day", "didn't quite get the time", "can't do that here", "can't reach the calendar", "cannot see the calendar", "not set up yet", "taking longer than usual",
]
# The documents are looser than the SDK's types; these they must refuse.
SPOILT = [{"results": [{"name": "t", "result": "x"}]}, {"results": [{"toolCallId": "t", "result": "x"}]}, {"results": [{"toolCallId": "t", "name": "t", "result": 7}]}, {"results": {}}, {"error": 7}, []]
LEAST_REPLIES, LEAST_MUTATIONS = 300, 3000


class Telephone(Story):
    """Plays calls; keeps each message with its answer, and which models must take them."""

    def __init__(self, stack):
        super().__init__(stack)
        self.cases, self.heard, self.wrong, self.sent, self.outside = [], set(), [], 0, 0

    def line(self, user, kind="secret", **more):
        """A credential of a user's, and the path that its messages are posted to."""
        made = self.control("vapi-credentials", {"tenant": f"user:{user}", "kind": kind} | more)
        path = f"/vapi/webhook/{made['credential_id']}" if kind == "hmac" else "/vapi/webhook"
        return {"kind": kind, "secret": made["secret"], "path": path}

    def post(self, line, body):
        """The answer to a body; anything but 200 with an object is dropped by VAPI."""
        self.sent += 1
        if line["kind"] == "hmac":
            self.control("clock", {"now": NOW})
        status, text = self.send("POST", f"{self.stack['base_url']}{line['path']}", body, proof(line, json.dumps(body).encode()))
        if status != 200:
            raise Failed(f"{json.dumps(body)[:300]}: {status} {text}")
        return json.loads(text)

    def tell(self, line, kind, body, types):
        """A message that fits VAPI's model of its kind, and its answer, which `types` must take."""
        answer, name = self.post(line, {"message": body}), f"{body['type']} {self.sent}"
        self.cases.append({"name": f"message {name}", "types": [f"ServerMessage{kind}"], "value": body})
        self.cases.append({"name": f"reply to {name}", "types": types, "value": answer})
        if not answer and not MAY_BE_EMPTY & set(types):
            self.wrong.append(f"{name}: it waits for an answer, and there is none")
        self.listen(name, answer)
        return answer

    def listen(self, name, answer):
        """What no model says: whoever answers says one line."""
        lines = [answer[key] for key in ("result", "error") if key in answer]
        lines += [result[key] for result in answer.get("results", []) for key in ("result", "error") if key in result]
        self.wrong += [f"{name}: not one line: {line!r}" for line in lines if "\n" in str(line) or not str(line).strip()]
        self.heard.update(map(str, lines))

    def call(self, line, *calls, **about):
        """`tool-calls`, whose answer has one result for each call, under its id and name, with a result or an error."""
        body = tool_calls(list(calls), **about)
        self.answered(body, self.tell(line, "ToolCalls", body, [RESULTS]), calls)

    def answered(self, body, answer, calls):
        """One result a call: VAPI finds it by its id, and reads either a result or an error."""
        expected = {call["id"]: call["function"]["name"] for call in calls}
        results = answer.get("results", [])
        if [(result["toolCallId"], result["name"]) for result in results] != list(expected.items()):
            self.wrong.append(f"{body['type']} {self.sent}: {list(expected)} were asked for, answered {results}")
        self.wrong += [f"{body['type']} {self.sent}: {result}" for result in results if ("result" in result) == ("error" in result)]

    def older(self, line, body, types=None):
        """A message that VAPI's models do not know; its answer fits `types`, or is the older `{result}`."""
        answer = self.post(line, body)
        self.outside += 1
        self.listen(f"message {self.sent}", answer)
        if types:
            self.cases.append({"name": f"reply to message {self.sent}", "types": types, "value": answer})
        elif list(answer) != ["result"] or not isinstance(answer["result"], str):
            self.wrong.append(f"function-call {self.sent}: {answer}")
        return answer


def play(phone):
    """Every tool, every message, every shape; then what fails."""
    for user, provider in [("user_2Phone", "google"), ("user_2Phones", "microsoft"), ("user_2Dead", "google"), ("user_2Alone", None)]:
        phone.control("users", {"user_id": user})
        if provider:
            phone.control("connect", {"owner": f"user:{user}", "provider": provider, "account": f"{user.lower()}@example.com"})
    lines = [phone.line("user_2Phone"), phone.line("user_2Phones", "bearer"), phone.line("user_2Alone", "hmac")]
    for number, line in enumerate(lines):
        for name, given in TOOLS.items():
            for arguments in given:
                phone.call(line, tool(name, arguments), call=f"call-{number}")
        for name in UNKNOWN:
            phone.call(line, tool(name, {}))
        for kind, examples in KINDS.items():
            for type_, own, types in examples:
                phone.tell(line, kind, message(type_, own), types)
    line = lines[0]
    once = tool("book_appointment", {"date": "2026-01-15", "time": "10 AM", "name": "Caller"}, "call_same")
    for calls in [[], [once], [once], [once, once], [once, tool("check_availability", {"date": "2026-01-15", "time": "10 AM"}), tool("order_pizza", {}), tool("check_availability", "{not json")]]:
        phone.call(line, *calls, call="call-same")
    for caller, assistant in [(None, "assistant-1"), ("+15550100123", None), (None, None)]:
        phone.call(line, tool("book_appointment", {"date": "2026-01-16", "time": "10 AM", "name": "Caller"}), caller=caller, assistant=assistant)
        phone.tell(line, "AssistantRequest", message("assistant-request", {}, caller=caller, assistant=assistant), ANY[:1])
    shapes(phone, line)
    nobody = phone.line("user_2Nobody", assistant_id="assistant-2")
    for name in TOOLS:
        phone.call(nobody, tool(name, {"date": "2026-01-13"}))
    phone.tell(nobody, "AssistantRequest", message("assistant-request", {}), ANY[:1])
    phone.older(nobody, {"message": message("function-call", {"functionCall": {"name": "get_availability", "parameters": {}}})})
    failing(phone, line)


def shapes(phone, line):
    """What the models do not know: other spellings of a call, the older message, and what is no message."""
    for frame in [lambda body: {"message": body}, lambda body: body]:
        for name in ["check_availability", "order_pizza"]:
            call = tool(name, {"date": "2026-01-13"})
            for lists in wild(call):
                body = message("tool-calls", lists)
                phone.answered(body, phone.older(line, frame(body), [RESULTS]), [call])
        for name, given in [("get_availability", {"date": "2026-01-13"}), ("get_availability", '{"date": "2026-01-13"}'), ("order_pizza", {}), ("get_availability", {"date": "whenever"}), ("book_appointment", [1])]:
            phone.older(line, frame(message("function-call", {"functionCall": {"name": name, "parameters": given}})))
        phone.older(line, frame(message("function-call", {})))
        phone.older(line, frame(message("something-of-tomorrow", {})), NOTHING)
    for body in UNREADABLE:
        phone.older(line, body, ANY)


def failing(phone, line):
    """Calendars and tables that fail, each in the middle of a call."""
    dead, cold = phone.line("user_2Dead"), phone.line("user_2Dead", "bearer")
    ask, book = tool("check_availability", {"date": "2026-01-19"}), tool("book_appointment", {"date": "2026-01-19", "time": "10 AM", "name": "Caller"})
    for fault, whose in [({"system": "google", "kind": "status", "value": 500}, line), ({"system": "google", "kind": "revoke"}, dead), ({"system": "dynamodb", "operation": "Query", "kind": "status", "value": 500}, line), ({"system": "dynamodb", "operation": "GetItem", "kind": "status", "value": 500}, cold)]:
        phone.control("faults", {"times": 1 if fault["kind"] == "revoke" else 60} | fault)
        phone.call(whose, ask)
        phone.call(whose, book, tool("get_availability", {}))
        phone.tell(whose, "AssistantRequest", message("assistant-request", {}), ANY[:1])
        phone.tell(whose, "TransferDestinationRequest", message("transfer-destination-request", {}), ANY[2:])
        phone.tell(whose, "StatusUpdate", message("status-update", {"status": "in-progress"}), NOTHING)
        phone.older(whose, {"message": message("function-call", {"functionCall": {"name": "get_availability", "parameters": {}}})})
    phone.older(cold, {"message": 7}, ANY)


def by_documents(folder, cases):
    """What VAPI's documents say of the same values, where they are there: a figure, and what is wrong."""
    place = next((place / "vapi" for place in PLACES if (place / "vapi").is_dir()), None)
    if place is None:
        return "no documents here", []
    file = folder / "documents.jsonl"
    spoilt = [{"name": f"spoilt {value}", "types": [RESULTS], "value": value, "spoilt": True} for value in SPOILT]
    asked = [case for case in cases if not NEWER & set(case["types"])] + spoilt
    file.write_text("".join(json.dumps(case) + "\n" for case in asked))
    command = [tools() / "python", ROOT / "tools" / "messages_by_contract.py", file, *(place / name for name in DOCUMENTS)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        return "", [f"VAPI's documents: {line}" for line in done.stderr.strip().splitlines()]
    counted = json.loads(done.stdout).values()
    wrong = [] if all(fits >= LEAST_REPLIES and refused == len(SPOILT) for fits, refused in counted) else [f"the documents judged too little: {done.stdout}"]
    return f"{sum(fits for fits, _ in counted)} verdicts of their documents", wrong


def check():
    """No message that their models do not know, no reply that they do not take."""
    node()
    with tempfile.TemporaryDirectory() as folder, local_stack() as stack:
        folder, phone = Path(folder), Telephone(stack)
        play(phone)
        file = folder / "cases.jsonl"
        file.write_text("".join(json.dumps(case) + "\n" for case in phone.cases))
        *verdicts, kinds = script("vapi.mjs", str(file))
        documents, wrong = by_documents(folder, phone.cases)
    told = [verdict for verdict in verdicts if not verdict.get("spoilt")]
    spoilt = [verdict for verdict in verdicts if verdict.get("spoilt")]
    wrong += phone.wrong + [f"{verdict['name']}: {verdict['why']}" for verdict in told if verdict["why"]]
    wrong += [f"{verdict['name']}, and the compiler takes it" for verdict in spoilt if not verdict["why"]]
    wrong += [f"nobody said anything like {line!r}" for line in HEARD if not any(line in heard for heard in phone.heard)]
    wrong += [f"no message was a {kind}" for kind in kinds["unsent"]]
    messages = sum(case["name"].startswith("message ") for case in phone.cases)
    replies = len(phone.cases) - messages
    if replies < LEAST_REPLIES or len(spoilt) < LEAST_MUTATIONS:
        wrong.append(f"only {replies} replies, {len(spoilt)} spoilt cases")
    if wrong:
        raise Failed("\n".join(wrong[:40]))
    figure = f"{messages} messages of {kinds['kinds']} kinds, {phone.outside} of older shapes, {replies} replies, {len(phone.heard)} sentences; {len(spoilt)} spoilt ones refused; {documents}"
    return Proof("vapi", "messages and replies fit VAPI's models", "@vapi-ai/server-sdk, typescript", figure)
