"""The sections of the report: which pictures and tables each one has; their prose is in captions.html."""
