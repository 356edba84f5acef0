"""What a form of ours sends: read within limits, and only when no foreign page sent it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from chassis.errors import Malformed, NotAllowed
from chassis.http import Request

KIND = "application/x-www-form-urlencoded"
LIMIT = 32 * 1024
MOST_FIELDS = 40


def sent(request: Request, public_url: str) -> dict[str, str]:
    """The fields of a form that have something in them; of a name that comes twice the last counts.

    Raises NotAllowed for a foreign page, Malformed and TooLarge for what no form of ours sends.
    """
    _check_page(request.head.headers, public_url)
    kind = request.head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != KIND:
        raise Malformed("form.kind", f"Expected {KIND}.")
    try:
        pairs = parse_qsl(request.body(LIMIT).decode("ascii"), errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Malformed("form.malformed", "The form cannot be read.") from error
    return {name: text for name, value in pairs if (text := value.replace("\r\n", "\n").strip())}


def _check_page(headers: dict[str, str], public_url: str) -> None:
    """Origin is `null` on our own pages too, for they send no referrer; Sec-Fetch-Site tells those apart."""
    own = "{0.scheme}://{0.netloc}".format(urlsplit(public_url))
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin not in {None, "null", own} or site not in {None, "same-origin"}:
        raise NotAllowed("csrf.refused", "Only a page of this site can send this form.")
