"""Speech synthesis service."""
