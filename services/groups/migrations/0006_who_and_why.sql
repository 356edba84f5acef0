-- A step by a member of staff has a coded reason where the design asks for one; a code, so it stays with the history.
ALTER TABLE history ADD COLUMN reason text;
