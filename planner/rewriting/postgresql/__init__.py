"""What PostgreSQL can do with less closed: one file a rewriting, found by being there.

A rewriting is a module with

- `KINDS`, the kinds of a statement's parse tree that it looks at;
- `rewrite(original)`: the pieces that do the same, in their order; None where it is not its
  statement. It raises `NoSafeForm` where it is, and nothing helps.

An ALTER TABLE comes command by command. Whether the pieces do the same, a scratch database proves.
"""
