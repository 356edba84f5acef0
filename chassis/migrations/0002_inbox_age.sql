-- Ids received long ago are forgotten from time to time; rows come in the order of their age, so a BRIN index is enough.
CREATE INDEX inbox_age ON inbox USING brin (received_at);
