"""The card of a dataset of chips: README.md, card.html and croissant.json, and a taster of its chips."""
