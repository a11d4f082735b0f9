"""``python -m engine``: every command but those that draw, on a machine without Qt."""

from engine.commands.group import main

if __name__ == "__main__":
    main()
