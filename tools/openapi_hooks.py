"""Sense for what schemathesis draws by chance; it loads this file itself, `./check openapi` names it.

Left alone, it nearly always asks in the name of an owner who does not exist, and for a booking that cannot be. Most
requests are turned to the caller himself, and every other well-formed booking asks for a time that can be booked.
"""

import datetime
import zlib

import schemathesis

# Working hours in Berlin and in New York alike, in the weeks after the stack's clock.
FIRST_DAY = datetime.date(2026, 1, 6)
DAYS = 50
TIMES = ["15:00", "15:30"]
WHOSE = {"owner", "user_id", "business_id"}
# Operations that take a time, and what they call its start.
STARTS = {
    "POST /calendar/holds": "start",
    "POST /calendar/bookings": "start",
    "POST /calendar/bookings/{id}/reschedule": "start",
    "POST /api/v1/bookings": "start_time",
    "PATCH /api/v1/bookings/{id}": "start_time",
}


def number(drawn):
    """The same number for the same draw."""
    return zlib.crc32(repr(drawn).encode(errors="replace"))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Changes what is sent, the last thing before it is; what was drawn to be refused stays as it is."""
    if case.query and number(case.query) % 4:
        case.query = {name: value for name, value in case.query.items() if name not in WHOSE}
    start = STARTS.get(f"{case.method} {case.operation.path}")
    if start and drawn_well(case.meta) and isinstance(case.body, dict) and number(case.body) % 2:
        case.body = bookable(number(case.body) // 2, start)


def drawn_well(meta):
    """Whether a case was drawn by chance, and no part of it to be refused. The coverage phase has a plan for each case."""
    modes = [meta.generation.mode, *(part.mode for part in meta.components.values())] if meta else []
    return bool(modes) and meta.phase.name.value != "coverage" and all(mode.is_positive for mode in modes)


def bookable(lot, start):
    """A body that can be booked."""
    day = FIRST_DAY + datetime.timedelta(days=lot % DAYS)
    time = TIMES[lot // DAYS % len(TIMES)]
    return {start: f"{day}T{time}:00Z", "duration_minutes": 30, "attendee": {"name": "Caller"}}
