"""The plugin under test is the installed one; pytester runs it in projects of its own."""

pytest_plugins = ["pytester"]
