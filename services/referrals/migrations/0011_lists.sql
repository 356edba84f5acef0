-- Ways into the work lists for every filter that a list begins with, and for the counts of what is open.

CREATE INDEX receiver_case_state ON receiver_case (org_id, state, sent_at DESC, id DESC);
CREATE INDEX receiver_case_worker ON receiver_case (org_id, worker, sent_at DESC, id DESC) WHERE worker IS NOT NULL;
CREATE INDEX receiver_case_unit ON receiver_case (org_id, unit, sent_at DESC, id DESC) WHERE unit IS NOT NULL;
CREATE INDEX receiver_case_waiting ON receiver_case (org_id, changed_at, id) WHERE state = 'waitlisted';
CREATE INDEX sender_record_state ON sender_record (org_id, state, sent_at DESC, id DESC);
CREATE INDEX sender_record_worker ON sender_record (org_id, worker, sent_at DESC, id DESC) WHERE worker IS NOT NULL;
CREATE INDEX sender_record_unit ON sender_record (org_id, unit, sent_at DESC, id DESC) WHERE unit IS NOT NULL;
