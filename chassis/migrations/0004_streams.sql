-- All streams of one aggregate are found by its id alone: an operator who has it told again need not know its noun.
CREATE INDEX event_sequence_of_aggregate ON event_sequence (aggregate_id);
