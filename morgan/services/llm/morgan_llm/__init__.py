"""Language model service."""
