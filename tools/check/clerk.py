"""Clerk's own library as the oracle of session tokens: nothing is accepted that `verifyToken` refuses."""

from .node import compared, script
from .report import Proof

LEAST = 400
# Where we refuse what the library takes, each with its reason (docs/SECURITY.md S4).
STRICTER = {
    "issuer": "we compare `iss`, the library leaves that to the caller",
    "nbf": "`nbf` is required, in whole seconds",
    "iat": "`iat` in whole seconds",
    "exp": "`exp` in whole seconds",
    "sub": "`sub` is not empty",
    "pending": "`sts` must be active",
    "audience": "an audience that is asked for must be there",
    "algorithm": "RS256 alone",
    "crit": "an extension that is not understood is refused (RFC 7515)",
    "encoding": "base64url without padding, and valid UTF-8",
    "structure": "one shape, a size limit, and no claim twice",
    "kid": "`kid` is text or not there",
    "type": "`typ` is JWT or not there",
}


def check():
    """Mutated tokens, judged by both."""
    figure = compared("clerk_session", script("clerk.mjs"), STRICTER, LEAST)
    return Proof("clerk", "no session token is accepted that Clerk refuses", "@clerk/backend", figure)
