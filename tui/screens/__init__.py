"""One question each: who talks to whom, and what happened because of this event."""
