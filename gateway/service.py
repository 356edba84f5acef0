"""The gateway: limits, identity, deadline and forwarding by path; no domain rule, no look into a body."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nameko.web.handlers import HttpRequestHandler

from chassis.http import Door, Endpoint, Slots
from chassis.http.places import Bodies
from chassis.settings import Settings
from gateway.forward import MOST_FORWARDS, Backend, Forward
from gateway.guard import guard
from gateway.limits import Limits
from gateway.pages import own_pages
from gateway.pages.asking import Asking
from gateway.pages.confirmations import ConfirmationPages
from gateway.pages.links import LinkPages
from gateway.pages.rendering import StaticFile
from gateway.routes import SPEC, read_targets
from gateway.sessions import OWNER, Sessions

PAGES: dict[str, type[LinkPages | ConfirmationPages]] = {"referrals": LinkPages, "directory": ConfirmationPages}
"""The services that one-time links lead to, and the pages behind those."""


class Forwarding(HttpRequestHandler):
    """One entrypoint for all paths of all services.

    A forward runs in the green thread of its connection and not in a nameko worker: it only waits for the service,
    and the number of those waiting has a limit of its own.
    """

    server = Door(guard)

    def __init__(self) -> None:
        """Paths come from the specification at start."""
        super().__init__("GET", "/")

    def stop(self) -> None:
        """Stop taking requests; the running ones finish first."""
        self.server.drain()
        super().stop()

    def endpoints(self) -> Iterable[tuple[str, str, Endpoint]]:
        """The gateway's pages, and a forward for each operation of the specification."""
        config = self.container.config
        settings: Settings = config["settings"]
        document: Path = config.get("spec", SPEC)
        slots = Slots(MOST_FORWARDS, 0)
        backends: dict[str, Backend] = {OWNER: Backend(settings.url_of(OWNER))}
        sessions = Sessions(backends[OWNER], settings.public_url)
        limits, bodies = Limits(settings), Bodies()
        for template, page in own_pages(document).items():
            yield "GET", template, page
        yield "GET", "/static/<string:name>", StaticFile()
        for service, pages in PAGES.items():
            backends[service] = Backend(settings.url_of(service))
            asking = Asking(backends[service], slots=slots, limits=limits, proxies=settings.trusted_proxies)
            yield from pages(asking, settings.public_url).views()
        for target in read_targets(document):
            if target.service not in backends:
                backends[target.service] = Backend(settings.url_of(target.service))
            forward = Forward(
                target,
                backend=backends[target.service],
                verifier=self.server.verifier,
                sessions=sessions,
                slots=slots,
                waiting=self.server.waiting,
                limits=limits,
                bodies=bodies,
                proxies=settings.trusted_proxies,
            )
            yield target.method, target.template, forward


class GatewayService:
    """The process at the front."""

    name = "gateway"

    @Forwarding.decorator()  # type: ignore[untyped-decorator]
    def forward(self) -> None:
        """Hold the place: the forwards answer at the door already."""
