"""Running of a plan's steps on MySQL and MariaDB; `undo` runs what is undone as a whole."""
