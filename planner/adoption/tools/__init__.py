"""Tools whose histories can be taken over, one a file, found by being there."""
