"""The passes of a campaign: products as annotated, and the orbits truly flown."""
