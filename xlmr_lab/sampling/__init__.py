"""How often each language is seen: the exponent, schedules over a run, and passes over its text."""
