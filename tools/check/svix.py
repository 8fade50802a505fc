"""The libraries that sign and verify webhooks as oracles: nothing is accepted that either refuses."""

from .node import compared, script
from .report import Proof

LEAST = 140
# Where we refuse what the libraries take, each with its reason.
STRICTER = {
    "timestamp": "a whole number and nothing else; the libraries read the number in front",
    "families": "headers of one family; the libraries fill one from the other",
}


def check():
    """Mutated deliveries, judged by all three."""
    figure = compared("standard_webhook", script("svix.mjs"), STRICTER, LEAST)
    return Proof("svix", "no webhook is accepted that Svix refuses", "svix, standardwebhooks", figure)
