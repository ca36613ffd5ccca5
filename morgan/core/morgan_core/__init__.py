"""Orchestration: the one service that clients talk to."""
