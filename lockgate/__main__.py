"""`python -m lockgate` is `migrate`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python looks first in the folder that it is started in, which may be a stranger's checkout;
    # the installed command does not look there.
    if not sys.flags.safe_path and Path(sys.path[0]) not in Path(__file__).parents:
        del sys.path[0]

    from lockgate.main import run

    run()
