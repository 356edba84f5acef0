"""What a referral may do, who may do it, and who learns of it; pure functions over tables (referrals.md)."""
