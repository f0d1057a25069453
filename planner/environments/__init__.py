"""Environments: settings of one database, their keys and policies.

environment.py  Environments: what `environments/<name>.yaml` says about one database and how to
fleet_keys.py   The keys of `fleet:` in an environment's file
folder.py       The folder of environments
judgement.py    Judgement of plans by an environment's policies
keys.py         The keys of an environment's file, as models: which there are, and what each means
libpq.py        What libpq takes from elsewhere where a URL does not say it
policy.py       The policies that there are, and their settings in an environment
secrets.py      Where the secrets that an environment's file names may come from
tightening.py   What an environment may change of the one that it extends
yaml_file.py    Reads one YAML file strictly, as every YAML reader would, and says
"""
