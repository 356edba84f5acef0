-- Changes that wait for a second person (directory.md section 5, access-and-privacy.md section 8). The row itself keeps
-- what was last approved; what was asked for, who vouched for it and how it ended stands here.

CREATE TABLE proposal (
    id uuid PRIMARY KEY,
    section text NOT NULL,
    mark text NOT NULL,
    -- the organisation that it is about; none: only those who keep the network decide
    org_id uuid,
    weight text NOT NULL CHECK (weight IN ('plain', 'guarded', 'joining', 'standing', 'lifting')),
    -- the fields that change, in the words of a directory file, and their values when it was proposed
    content jsonb NOT NULL,
    before jsonb NOT NULL,
    is_new boolean NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    proposed_by_org uuid NOT NULL,
    proposed_by_keeper boolean NOT NULL,
    proposed_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'waiting', 'applied', 'rejected', 'withdrawn', 'overtaken')),
    due_at timestamptz,
    ended_at timestamptz,
    ended_by text,
    ended_because text,
    version integer NOT NULL CHECK (version > 0),
    CONSTRAINT proposal_waits_for_a_day CHECK ((state = 'waiting') <= (due_at IS NOT NULL)),
    CONSTRAINT proposal_ended CHECK ((state IN ('open', 'waiting')) = (ended_at IS NULL))
);
CREATE INDEX proposal_of ON proposal (org_id, proposed_at, id);
CREATE INDEX proposal_pending ON proposal (section, mark) WHERE state IN ('open', 'waiting');
CREATE INDEX proposal_due ON proposal (due_at) WHERE state = 'waiting';

CREATE TABLE proposal_step (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    proposal_id uuid NOT NULL REFERENCES proposal,
    kind text NOT NULL CHECK (kind IN ('approval', 'register_entry', 'written_agreement', 'call_back')),
    reference text,
    number text,
    source text,
    by_subject text NOT NULL,
    by_org uuid NOT NULL,
    by_keeper boolean NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX proposal_step_of ON proposal_step (proposal_id, no);
CREATE UNIQUE INDEX proposal_approved_once ON proposal_step (proposal_id, by_subject) WHERE kind = 'approval';

GRANT SELECT, INSERT ON proposal, proposal_step TO {app};
-- what was proposed is rewritten in one case only: the address of a place that is withheld is taken out of it
GRANT UPDATE (content, before, reason, state, due_at, ended_at, ended_by, ended_because, version) ON proposal TO {app};
