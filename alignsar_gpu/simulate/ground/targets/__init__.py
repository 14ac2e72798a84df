"""Point targets: reflectors and other bright scatterers."""
