"""What signatures are computed of: one polarization, one date or a whole stack; shared quantities are computed once."""
