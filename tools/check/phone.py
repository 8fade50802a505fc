"""VAPI's server messages as its own models describe them, and the calls that the check `vapi` plays."""

import hashlib
import hmac
import itertools
import json

from .stack import NOW

CALLER, CALLED, LINE = "+15550100123", "+15550100000", "00000000-0000-4000-8000-0000000000bb"
ORG = "00000000-0000-4000-8000-0000000000aa"
DAY, OTHER_DAY = "2026-01-13", "2026-01-14"
# 2026-01-05T12:00:00Z, to which the clock is set before a message is signed.
NOW_SECONDS = 1767614400
IDS = itertools.count(1)
SAID = {"role": "user", "content": "Monday, please."}
AGAIN = {"id": "00000000-0000-4000-8000-0000000000cc", "orgId": ORG, "createdAt": NOW, "updatedAt": NOW}

AVAILABILITY = [
    {}, {"date": DAY}, {"date": DAY, "time": "2 PM"}, {"date": DAY, "time": "3 AM"}, {"start_time": f"{DAY}T14:00"}, {"date": "today"}, {"date": "monday"},
    {"date": "2026-01-10"}, {"date": "2025-01-13"}, {"date": "2026-04-14"}, {"date": DAY, "time_zone": "America/New_York"}, {"date": DAY, "duration_minutes": 60},
    {"date": "whenever"}, {"date": DAY, "time": "2"}, {"date": DAY, "duration_minutes": 100000}, {"date": DAY, "time_zone": "Mars/Olympus"}, [1], 7, "{not json",
]
BOOKING = [
    {"date": DAY, "time": "10 AM", "name": "Caller"}, {"date": DAY, "time": "10 AM", "name": "Another", "phone": "+15550100199"}, {"date": DAY, "name": "Caller"},
    {"date": DAY, "time": "11 AM"}, {"date": "2026-01-10", "time": "11 AM", "name": "Caller"}, {"date": "2025-01-13", "time": "11 AM", "name": "Caller"},
    {"date": "2027-01-13", "time": "11 AM", "name": "Caller"}, {"date": DAY, "time": "never", "name": "Caller"}, {"start_time": f"{DAY}T15:00:00Z", "name": "Caller\nand more"},
    {"start_time": f"{OTHER_DAY}T10:00", "name": "Caller", "title": "Haircut", "email": "guest@example.com", "notes": "First\nSecond", "duration_minutes": 45, "time_zone": "America/New_York"},
    {"start_time": "Tomorrow", "name": "Caller"}, {"date": DAY, "time": "4 PM", "name": "Caller", "duration_minutes": 1}, {}, [1], "{not json",
]
TOOLS = {"check_availability": AVAILABILITY, "get_availability": AVAILABILITY, "book_appointment": BOOKING, "set_appointment": BOOKING}
# Named in VAPI's dashboards and in other products, and not ours.
UNKNOWN = ["order_pizza", "reschedule_appointment", "cancel_appointment", "transferCall", "", "book appointment"]

# Every kind of message but `tool-calls`: its type, what it has of its own, and which of VAPI's models must take our answer.
NOTHING = ["Nothing"]
KINDS = {
    "AssistantRequest": [("assistant-request", {}, ["ServerMessageResponseAssistantRequest"])],
    "TransferDestinationRequest": [("transfer-destination-request", {}, ["ServerMessageResponseTransferDestinationRequest"])],
    "HandoffDestinationRequest": [("handoff-destination-request", {"parameters": {"reason": "sales"}}, ["ServerMessageResponseHandoffDestinationRequest"])],
    "KnowledgeBaseRequest": [("knowledge-base-request", {"messagesOpenAIFormatted": [SAID]}, ["ServerMessageResponseKnowledgeBaseRequest"])],
    # A voice, an endpointing or a dialling server of one's own: nobody names this webhook for them, and `{}` is their refusal.
    "VoiceRequest": [("voice-request", {"text": "Hello.", "sampleRate": 24000}, NOTHING)],
    "CallEndpointingRequest": [("call.endpointing.request", {"messagesOpenAIFormatted": [SAID]}, NOTHING)],
    "CampaignPredial": [("campaign.predial", {"campaignId": "c", "contact": {"id": "k", "campaignId": "c", "orgId": ORG, "number": CALLER, "createdAt": NOW}}, NOTHING)],
    "StatusUpdate": [("status-update", {"status": status}, NOTHING) for status in ["scheduled", "queued", "ringing", "in-progress", "forwarding"]]
    + [("status-update", {"status": "ended", "endedReason": "customer-ended-call"}, NOTHING)],
    "EndOfCallReport": [("end-of-call-report", {"endedReason": "customer-ended-call", "cost": 0.05, "analysis": {"summary": "Booked.", "successEvaluation": "true"}, "startedAt": NOW, "endedAt": NOW}, NOTHING)],
    "ConversationUpdate": [("conversation-update", {"messagesOpenAIFormatted": [SAID]}, NOTHING)],
    "Hang": [("hang", {}, NOTHING)],
    "ModelOutput": [("model-output", {"output": {"text": "Hello."}}, NOTHING)],
    "PhoneCallControl": [("phone-call-control", {"request": "hang-up"}, NOTHING)],
    "SpeechUpdate": [("speech-update", {"status": status, "role": role}, NOTHING) for status in ["started", "stopped"] for role in ["assistant", "user"]],
    "Transcript": [(kind, {"role": "user", "transcriptType": "final", "transcript": "Monday."}, NOTHING) for kind in ["transcript", 'transcript[transcriptType="final"]']],
    "TransferUpdate": [("transfer-update", {}, NOTHING)],
    "UserInterrupted": [("user-interrupted", {}, NOTHING)],
    "LanguageChangeDetected": [("language-change-detected", {"language": "es"}, NOTHING)],
    "VoiceInput": [("voice-input", {"input": "Hello."}, NOTHING)],
    "AssistantSpeech": [("assistant.speechStarted", {"text": "Hello."}, NOTHING)],
    "ChatCreated": [("chat.created", {"chat": AGAIN}, NOTHING)],
    "ChatDeleted": [("chat.deleted", {"chat": AGAIN}, NOTHING)],
    "SessionCreated": [("session.created", {"session": AGAIN}, NOTHING)],
    "SessionUpdated": [("session.updated", {"session": AGAIN}, NOTHING)],
    "SessionDeleted": [("session.deleted", {"session": AGAIN}, NOTHING)],
    "CallDeleted": [("call.deleted", {}, NOTHING)],
    "CallDeleteFailed": [("call.delete.failed", {}, NOTHING)],
    "CallArtifactUpload": [("call.artifact.upload", {"artifacts": [{"type": "log", "success": True}]}, NOTHING)],
}


def message(kind, own, call="call-1", assistant="assistant-1", caller=CALLER):
    """A server message about one inbound call."""
    about = {
        "id": call, "orgId": ORG, "type": "inboundPhoneCall", "phoneCallProvider": "twilio", "phoneCallTransport": "pstn", "status": "in-progress",
        "createdAt": NOW, "updatedAt": NOW, "phoneNumberId": LINE, "phoneCallProviderId": "CA_EXAMPLE",
    }
    about |= {"assistantId": assistant} if assistant else {}
    who = {"customer": {"number": caller}} if caller else {}
    number = {"provider": "twilio", "number": CALLED, "twilioAccountSid": "AC_EXAMPLE", "twilioAuthToken": "EXAMPLE-twilio-auth-token"}
    frame = {"type": kind, "timestamp": NOW_SECONDS * 1000, "call": about | who, "phoneNumber": number, "artifact": {"messages": [], "messagesOpenAIFormatted": []}}
    return frame | who | own


def tool(name, arguments, called=None):
    """A call of a tool: the model's arguments are a text, as OpenAI's are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": called or f"call_{next(IDS)}", "type": "function", "function": {"name": name, "arguments": text}}


def tool_calls(calls, **about):
    """`tool-calls` with its two lists."""
    lists = {"toolCallList": calls, "toolWithToolCallList": [{"type": "function", "toolCall": call, "messages": []} for call in calls]}
    return message("tool-calls", lists, **about)


def wild(call):
    """The same call in the shapes that VAPI sends or sent and its models do not know: what is added or replaced."""
    name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
    nested, flat = {"id": call["id"], "type": "function", "function": {"name": name, "arguments": arguments}}, {"id": call["id"], "name": name}
    yield {"toolCalls": [nested], "toolCallList": [nested], "toolWithToolCallList": [{"type": "function", "name": name, "toolCall": nested}]}
    yield {"toolCalls": [call]}
    yield {"toolCalls": [nested]}
    yield {"toolCallList": [flat | {"arguments": arguments}]}
    yield {"toolCallList": [flat | {"parameters": arguments}]}
    yield {"toolCallList": [flat | {"arguments": json.dumps(arguments)}]}
    yield {"toolCallList": [nested, nested]}
    yield {"toolWithToolCallList": [{"name": name, "toolCall": call}]}


def proof(line, body):
    """The headers by which VAPI proves itself with a credential of any kind; an HMAC is over the body's bytes."""
    kind, secret = line["kind"], line["secret"]
    if kind == "secret":
        return {"x-vapi-secret": secret}
    if kind == "bearer":
        return {"authorization": f"Bearer {secret}"}
    signed = f"{NOW_SECONDS}.".encode() + body
    return {"x-timestamp": str(NOW_SECONDS), "x-signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}
