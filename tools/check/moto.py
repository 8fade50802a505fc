"""The end-to-end tests once more, with moto as DynamoDB and KMS: a second reading of what AWS does with our requests.

A test that looks into the embedded database or breaks it on purpose stops with a sentence of the harness and does not
count. moto rolls a refused transaction back by putting old tables in the place of all, whoever wrote to them meanwhile,
and decrypts with a disabled key: tests of races and of that key are left out by name.
"""

import contextlib
import re

from .ports import free_port, wait_for
from .programs import cargo, child, clean_environment, finished, tools
from .report import ROOT, Failed, Proof

# moto never hears of these: they start no stack, the simulation's own, a server's, or one without the settings of `foreign`.
ELSEWHERE = [
    "killed::",
    "permissions::s4_a_role_allows",
    "permissions::s4_the_table",
    "recorded::",
    "routes::every_documented_route",
    "routes::every_function",
    "routes::what_is_public",
    "settings::a_front_end_elsewhere",
    "settings::a_real_clerk",
    "settings::one_stack_at_a_time",
    "simulation::",
    "tidy::",
]
# They count round trips at the stand-ins, look into them without the harness, or change their keys.
INSIDE = [
    "budgets::",
    "control::a_run_hands_the_queue_over",
    "control::the_clock_moves_for_everything",
    "control::the_outbox_is_shown",
    "keeping::s2_a_changed_kms_key",
    "keeping::s3_a_call_on_the_phone_waits_for_no_refresh",
    "operator::each_command_calls",
    "routes::the_public_pages_answer",
    "scheduling::schedule_and_services_cost",
    "settings::a_fault_can_be_armed",
    "tokens::s2_without_kms",
]
# Many at once: moto answers each request in a thread of its own and has no lock, so that two can meet one condition.
RACES = [
    "attacks::s1_two_links_of_one_account",
    "attacks_bookings::storm::",
    "booking::races::",
    "bookings::of_many_who_move",
    "bookings::the_same_key",
    "connecting::s1_a_handle_works_once",
    "connecting::s1_a_state_works_once",
    "events::the_same_key_writes_one_event",
    "tokens::sixteen_requests",
    "users::twenty_deliveries",
    "verifying::a_forced_refresh",
]
LEAST_TESTS = 200
RUN_SECONDS = 1200
STOPPED = "looks into the embedded database"


@contextlib.contextmanager
def moto_server():
    """Yields the address of a running moto."""
    port = free_port()
    with (ROOT / "target" / "check-moto.log").open("w") as log:
        with child([tools() / "moto_server", "-H", "127.0.0.1", "-p", str(port)], log, clean_environment()):
            wait_for(port)
            yield f"http://127.0.0.1:{port}"


def check():
    """Every end-to-end test that can run on moto holds there as well."""
    skips = [part for name in ELSEWHERE + INSIDE + RACES for part in ["--skip", name]]
    command = cargo("test", "--quiet", "--locked", "-p", "local", "--test", "it", "--", "--test-threads", "2", *skips)
    with moto_server() as url:
        environment = clean_environment(SLOTLINE_TEST_DYNAMODB_URL=url, SLOTLINE_TEST_KMS_URL=url)
        _, printed = finished(command, RUN_SECONDS, environment)
    counted = re.search(r"(\d+) passed; (\d+) failed", printed)
    if counted is None:
        raise Failed(printed[-3000:])
    # One section for each test that failed: its name, then what it said.
    sections = re.split(r"^---- (\S+) stdout ----$", printed, flags=re.MULTILINE)
    said = dict(zip(sections[1::2], sections[2::2]))
    wrong = {name: text for name, text in said.items() if STOPPED not in text}
    passed, failed = int(counted[1]), int(counted[2])
    if wrong or failed != len(said):
        raise Failed("\n".join(f"{name}: {text.strip()[:1000]}" for name, text in wrong.items()) or printed[-3000:])
    if passed < LEAST_TESTS:
        raise Failed(f"only {passed} tests ran on moto, {LEAST_TESTS} are wanted")
    return Proof("moto", "end-to-end tests hold on a foreign DynamoDB and KMS", "moto", f"{passed} tests, {failed} look inside")
