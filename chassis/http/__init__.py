"""The hardened HTTP door of every process: `route` for services, `Door` and friends for the gateway."""

from chassis.http.door import Door, Endpoint, Slots
from chassis.http.messages import Head, Request, Response
from chassis.http.route import DEADLINES, Plan, Route, plans_of, route

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
    "plans_of",
    "route",
]
