"""Range-Doppler geometry and viewing angles."""
