"""``python -m engine``: every command but those that draw, on a machine without Qt."""

from engine.cli import main

if __name__ == "__main__":
    main()
