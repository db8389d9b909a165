"""What every test room may use: the real sshd."""

pytest_plugins = ("tests.sshd",)
