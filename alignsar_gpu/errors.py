"""The one error that users meet."""

import re

LINES = re.compile(r"\s*\n\s*")  # within what libraries say


class AlignsarError(Exception):
    """Something in the input, the configuration or the machine that the user can put right.

    The message says what is wrong, where, and what to do. The command line prints it as one line and
    ends with status 2; anything else that is raised is a bug and shows its traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(LINES.sub(" ", str(message).strip()))
