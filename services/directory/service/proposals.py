"""The routes by which the directory is changed: one person proposes, another one agrees (directory.md section 5)."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.directory.schemas import proposals as schemas
from services.directory.usecases import approving, proposals, proposing, versions

APPLY_SECONDS = 60


class Proposals:
    """Propose, read, vouch, agree, refuse; and what was changed when."""

    db: Database

    @route(
        "POST",
        "/directory/proposals",
        operation="proposal.create",
        body=schemas.NewProposal,
        answers=schemas.ProposalView,
        status=201,
        changes=True,
        example=schemas.PROPOSAL_EXAMPLE,
        summary="Propose a change: of your own entries, or of any as network_admin",
        description="What was last approved stays public until a second person agrees. Type, phones, e-mail and "
        "contacts take effect 72 hours after that, when somebody was called back on the old number. A new organisation "
        "needs two network_admins and three pieces of evidence; its suspension two network_admins. An address that is "
        "withheld from now on is out at once.",
    )
    def propose(self, call: Call) -> Outcome:
        """Propose a change."""
        return proposing.propose(self.db, call)

    @route(
        "GET",
        "/directory/proposals",
        operation="proposal.list",
        query=schemas.ProposalQuery,
        answers=schemas.ProposalLine,
        many=True,
        summary="Proposals about my organisation or by it; for a network_admin all",
    )
    def list_proposals(self, call: Call) -> Outcome:
        """List proposals."""
        return proposals.listed(self.db, call)

    @route(
        "GET",
        "/directory/proposals/<uuid:proposal>",
        operation="proposal.read",
        answers=schemas.ProposalView,
        summary="A proposal: the change field by field, who agreed, what is missing",
    )
    def read_proposal(self, call: Call) -> Outcome:
        """Read one."""
        return proposing.read(self.db, call)

    @route(
        "POST",
        "/directory/proposals/<uuid:proposal>/evidence",
        operation="proposal.evidence",
        body=schemas.Evidence,
        answers=schemas.ProposalView,
        changes=True,
        needs_version=True,
        example=schemas.EVIDENCE_EXAMPLE,
        summary="Put on paper what was seen or done for it",
    )
    def record_evidence(self, call: Call) -> Outcome:
        """Record evidence."""
        return approving.record_evidence(self.db, call)

    @route(
        "POST",
        "/directory/proposals/<uuid:proposal>/approve",
        operation="proposal.approve",
        body=schemas.Nothing,
        answers=schemas.ProposalView,
        changes=True,
        needs_version=True,
        example={},
        summary="Agree as a further person; the last one lets it take effect",
    )
    def approve(self, call: Call) -> Outcome:
        """Agree."""
        return approving.approve(self.db, call)

    @route(
        "POST",
        "/directory/proposals/<uuid:proposal>/reject",
        operation="proposal.reject",
        body=schemas.Because,
        answers=schemas.ProposalView,
        changes=True,
        needs_version=True,
        example=schemas.BECAUSE_EXAMPLE,
        summary="Say no, also while it waits to take effect",
    )
    def reject(self, call: Call) -> Outcome:
        """Refuse."""
        return approving.reject(self.db, call)

    @route(
        "POST",
        "/directory/proposals/<uuid:proposal>/withdraw",
        operation="proposal.withdraw",
        body=schemas.Because,
        answers=schemas.ProposalView,
        changes=True,
        needs_version=True,
        example=schemas.BECAUSE_EXAMPLE,
        summary="Take my own proposal back",
    )
    def withdraw(self, call: Call) -> Outcome:
        """Take it back."""
        return approving.withdraw(self.db, call)

    @route(
        "GET",
        "/directory/history/<section>/<mark>",
        operation="directory.history",
        query=schemas.HistoryQuery,
        answers=schemas.HistoryLine,
        many=True,
        summary="Who changed which field of my organisation, place or service when, from what to what",
    )
    def read_history(self, call: Call) -> Outcome:
        """Read the history of an entry."""
        return versions.history(self.db, call)

    @timer(interval=APPLY_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def apply_due(self) -> None:
        """Let take effect what has waited long enough."""
        approving.apply_due(self.db)
