"""Policies: what an environment says of a plan, one file a policy, found by being there.

A policy reads plans and nothing else. It is a module with

- `SETTING`, the type of its value under `policy:` in an environment, `DEFAULT` and `MEANING`;
- `judge(plan, setting)`, its decision on a plan's content, or None where it has no word on it;
- `is_looser(setting, base)`: whether an environment would let pass what the one that it extends
  does not;
- where it speaks of other environments: `misplaced(setting, name, names)`, what is wrong with it
  in the environment of this name among these, or nothing;
- where the answer can change after planning: `judge_start(start, setting)`, asked by `apply`.

Its name is its key. Every command reads environments, so what only judging needs is imported when
a policy judges.
"""
