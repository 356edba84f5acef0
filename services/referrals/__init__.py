"""Referrals: one referral is one leg from a sending to a receiving organisation."""
