-- How long a service takes to answer a referral, as referrals has measured it (directory.md section 1, referral profile).
ALTER TABLE service ADD COLUMN response_hours integer CHECK (response_hours > 0);
