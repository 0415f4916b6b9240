"""``python -m envrl`` is the command line."""

from envrl.cli.main import main

if __name__ == "__main__":
    main()
