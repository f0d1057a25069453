"""`python -m lockgate` is `migrate`."""

from lockgate.main import run

if __name__ == "__main__":
    run()
