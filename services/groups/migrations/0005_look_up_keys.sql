-- The sweeper of unused keys asks which keys are used (keys_in_use of the chassis); see 0002_look_ups.sql.
CREATE POLICY look_up ON participant FOR SELECT TO CURRENT_USER USING (true);
