"""Turns what a use case answers into a response: shape, ETag, Location, paging link, 304."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson

from chassis.http.headers import known_versions
from chassis.http.messages import Request, Response
from chassis.policy import Policy
from chassis.requests import Call, Outcome

if TYPE_CHECKING:
    from chassis.http.route import Plan

NO_CONTENT = 204
NOT_MODIFIED = 304
_GUARD = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


def answer_of(plan: Plan, result: Any, call: Call, request: Request, policy: Policy) -> Response:
    """The response to one call, with the fields that the policy shows to this caller."""
    if plan.raw and not isinstance(result, Outcome):
        return _raw(plan, result)
    outcome: Outcome = result
    headers = _headers(outcome, "W/" if plan.fhir else "")
    if outcome.version is not None and call.known_version is not None:
        known = known_versions(request.head.headers.get("if-none-match"))
        if plan.method == "GET" and outcome.version in known:
            return Response(NOT_MODIFIED, headers)
    if plan.status == NO_CONTENT or (plan.fhir and _wants_little(request)):
        return Response(plan.status, headers)
    value = _shown(plan, outcome.value, _visible(plan, call, outcome, policy))
    if plan.many and value["next"] is not None:
        headers.append(("Link", _next(request, value["next"])))
    headers.append(("Content-Type", plan.gives))
    return Response(plan.status, headers, value if isinstance(value, bytes) else orjson.dumps(value))


def _visible(plan: Plan, call: Call, outcome: Outcome, policy: Policy) -> frozenset[str] | None:
    """The fields that go out; a resource of FHIR was made of those that the use case found visible, and no others."""
    roles = call.caller.roles if call.caller else frozenset[str]()
    return None if plan.fhir else policy.visible(plan.operation, roles, outcome.relation)


def _shown(plan: Plan, value: Any, visible: frozenset[str] | None) -> Any:
    if plan.answers is None:
        return value
    if plan.many:
        items = plan.answers.dump(value["items"], many=True)
        beside = {name: shape.dump(value[name]) for name, shape in plan.beside.items() if value.get(name) is not None}
        return {**beside, "items": [_filtered(item, visible) for item in items], "next": value.get("next")}
    return _filtered(plan.answers.dump(value), visible)


def _filtered(shown: Any, visible: frozenset[str] | None) -> Any:
    if visible is None:
        return shown
    return {name: value for name, value in shown.items() if name in visible}


def _headers(outcome: Outcome, strength: str) -> list[tuple[str, str]]:
    headers = list(outcome.headers.items())
    headers.extend(pair for pair in _GUARD if pair[0] not in outcome.headers)
    if outcome.version is not None:
        headers.append(("ETag", f'{strength}"{outcome.version}"'))
    if outcome.location is not None:
        headers.append(("Location", quote(outcome.location, safe="/:?&=#%+,;@-._~")))
    return headers


def _wants_little(request: Request) -> bool:
    """Whether a client that changed something says that it needs no body (FHIR R4, http.html, section 3.1.0.1.10)."""
    wish = request.head.headers.get("prefer", "")
    return request.method not in {"GET", "HEAD"} and "return=minimal" in wish.replace(" ", "").lower()


def _raw(plan: Plan, result: Any) -> Response:
    if isinstance(result, Response):
        result.endless = plan.deadline == "stream"
        return result
    if isinstance(result, bytes):
        return Response(plan.status, [("Content-Type", plan.gives), *_GUARD], result)
    headers = [(name, value) for name, value in result.headers.items() if name.lower() != "content-length"]
    body = result.response if result.is_streamed else result.get_data()
    return Response(result.status_code, headers, body, endless=plan.deadline == "stream")


def _next(request: Request, cursor: str) -> str:
    pairs = [(name, value) for name, value in parse_qsl(request.head.query) if name != "cursor"]
    return f'<{request.path}?{urlencode([*pairs, ("cursor", cursor)])}>; rel="next"'
