#!/bin/sh
# The main job, on a copy of examples/shop and a private PostgreSQL that starts with each command.
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$here/shop/." "$work"
cd "$work"
for command in "plan" "show plan.json --format sql" "apply plan.json" "status"; do
    printf '\n$ migrate %s\n' "$command"
    # shellcheck disable=SC2086 -- the words of a command are its arguments
    migrate $command
done
