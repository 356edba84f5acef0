"""The hardened HTTP door of every process: `route` for services, `Door` and friends for the gateway."""

from chassis.http.door import Door, Endpoint
from chassis.http.headers import DEADLINES, allowed_seconds
from chassis.http.messages import Head, Request, Response
from chassis.http.places import Slots
from chassis.http.route import Plan, Route, plans_of, route

__all__ = [
    "DEADLINES",
    "Door",
    "Endpoint",
    "Head",
    "Plan",
    "Request",
    "Response",
    "Route",
    "Slots",
    "allowed_seconds",
    "plans_of",
    "route",
]
