"""A kind of label as CONTRIBUTING.md says that one is added: readings of a gauge, one a day, for the whole image."""
