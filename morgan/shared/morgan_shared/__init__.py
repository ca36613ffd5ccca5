"""What Morgan's four services have in common."""
