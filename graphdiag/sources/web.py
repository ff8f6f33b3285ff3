"""Read over HTTP what a server has: within a time, up to a size, and with one clause for each way it can fail."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from graphdiag.version import __version__

_PIECE = 2**18
_ON_THIS_MACHINE = ("localhost", "::1")


class WebError(Exception):
    """A server is not there, or does not give what is wanted; the text is a clause for the user.

    Attributes:
        status: What the server answered, as 404; 0 if it did not answer in HTTP.
    """

    def __init__(self, clause: str, status: int = 0) -> None:
        super().__init__(clause)
        self.status = status


@dataclass(frozen=True)
class Address:
    """The address of a server, or of something below it.

    Attributes:
        shown: As it is shown: without a password.
        base: What requests begin with, ending in ``/``; without query, fragment and login.
        fragment: What stands behind ``#``.
        login: ``user:password``, or empty.
        is_local: Whether the server runs on this machine.
    """

    shown: str
    base: str
    fragment: str
    login: str
    is_local: bool


def parse_address(text: str) -> Address:
    """Take an address apart.

    Raises:
        WebError: It is not an address.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise WebError(f"is not an address: {error}") from error
    if not host or any(character.isspace() or not character.isprintable() for character in text):
        raise WebError("is not an address: it has no host" if not host else "is not an address: it has blanks")
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port else ""
    login = "" if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    return Address(
        shown=urlunsplit(parts._replace(netloc=place)),
        base=urlunsplit(SplitResult(parts.scheme, place, path, "", "")),
        fragment=parts.fragment,
        login=login,
        is_local=host in _ON_THIS_MACHINE or host.startswith("127."),
    )


def get(address: Address, route: str, *, largest: int, patience: float, longest: float) -> bytes:
    """What a server has at a route.

    Args:
        address: The server's.
        route: Path and query below it.
        largest: Bytes that the answer may have.
        patience: Seconds without a byte after which the server counts as gone.
        longest: Seconds that all of it may take.

    Returns:
        The body of the answer.

    Raises:
        WebError: There is none: no server, an error of the server's, too large, or too late.
    """
    return b"".join(_pieces(address, route, largest, patience, time.monotonic() + longest))


def get_start(address: Address, route: str, *, size: int, patience: float) -> bytes:
    """The first bytes of what a server has at a route, as `get` has all of it."""
    start = b""
    for piece in _pieces(address, route, 2**63, patience, time.monotonic() + patience):
        start += piece
        if len(start) >= size:
            break
    return start[:size]


def _pieces(address: Address, route: str, largest: int, patience: float, deadline: float) -> Iterator[bytes]:
    """The body as it comes, unpacked."""
    unpacked = 0
    try:
        with _opener(address).open(_request(address, route), timeout=patience) as answer:
            for piece in _unzipped(answer):
                unpacked += len(piece)
                if unpacked > largest:
                    raise WebError(f"gives more than {largest / 2**20:,.0f} MiB")
                if time.monotonic() > deadline:
                    raise WebError("has not given all of it in time")
                yield piece
    except HTTPError as error:
        with error:
            raise WebError(f"answers {error.code} {error.reason}".rstrip(), error.code) from error
    except URLError as error:
        raise WebError(_reason(error.reason, patience)) from error
    except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
        raise WebError(_reason(error, patience)) from error


def _request(address: Address, route: str) -> request.Request:
    asked = request.Request(address.base + route)
    asked.add_header("User-Agent", f"graphdiag/{__version__}")
    if not address.is_local:
        asked.add_header("Accept-Encoding", "gzip")
    if address.login:
        # Not for whoever the server sends us on to.
        asked.add_unredirected_header("Authorization", f"Basic {base64.b64encode(address.login.encode()).decode()}")
    return asked


def _opener(address: Address) -> request.OpenerDirector:
    """What asks over HTTP alone; past a proxy where the server runs on this machine, as browsers do."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler({} if address.is_local else None),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _unzipped(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body in pieces; packed ones in no larger steps than plain ones."""
    wanted = answer.headers.get("Content-Length", "")
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if answer.headers.get("Content-Encoding") == "gzip" else None
    count = 0
    while piece := answer.read1(_PIECE):
        count += len(piece)
        if unzip is None:
            yield piece
            continue
        while piece:
            yield unzip.decompress(piece, _PIECE)
            piece = unzip.unconsumed_tail
    if (wanted.isdecimal() and count != int(wanted)) or (unzip is not None and not unzip.eof):
        raise WebError("breaks off in the middle of its answer")


def _reason(error: BaseException | str, patience: float) -> str:
    if isinstance(error, TimeoutError):
        return f"does not answer within {patience:,g} seconds"
    if isinstance(error, socket.gaierror):
        return "is not there: its host is not known"
    if isinstance(error, ssl.SSLError):
        return f"cannot be asked over https: {error.reason or error}"
    if isinstance(error, ConnectionRefusedError):
        return "is not there: nothing listens at this address"
    if isinstance(error, (ConnectionError, http.client.IncompleteRead)):
        return "breaks off in the middle of its answer"
    if isinstance(error, http.client.HTTPException):
        return "does not answer in HTTP"
    if isinstance(error, zlib.error):
        return "gives what cannot be unpacked"
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"cannot be asked: {said}"
