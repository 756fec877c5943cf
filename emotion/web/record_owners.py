"""Whose records are whose, on a server: those of a user who logged in, else those of a browser."""

from __future__ import annotations

from dataclasses import dataclass

from emotion.errors import StorageError
from emotion.storage.recorder import Recorder, owner_hash

__all__ = ["BROWSER_TOKEN", "ServerRecords"]

TOKEN_LENGTH = 32
"""Characters of 24 random bytes in Base64."""

BROWSER_TOKEN = """await (async () => {
  const embedded = document.querySelector("gradio-app")?.getAttribute("src");
  const path = embedded || new URL(window.gradio_config?.root || "./", document.baseURI).pathname;
  const root = new URL(path.replace(/[/]*$/, "/"), location.href).href;
  return (await import(`${root}live/js/session.js`)).browserToken();
})()"""
"""JavaScript, inside an async function: the token of this browser; see ``static/live/session.js``."""


@dataclass(frozen=True, slots=True)
class ServerRecords:
    """The records of a server, and who may see them.

    Attributes:
        recorder: Writes them.
        shared: Whether every viewer sees all sessions (``--shared-dashboard``), where nobody logs in.
            Everyone still deletes only their own.
        keep_days: Days after which sessions are deleted; None: never.
    """

    recorder: Recorder
    shared: bool = False
    keep_days: float | None = None

    def owner(self, user: str | None, token: object) -> str:
        """The hash of who is asking.

        Args:
            user: Who logged in; None where nobody does.
            token: Of the browser, see :data:`BROWSER_TOKEN`; counts only without a user.

        Raises:
            StorageError: If there is neither.
        """
        if user:
            return owner_hash("user", user)
        if not isinstance(token, str) or len(token) != TOKEN_LENGTH:
            raise StorageError(
                "This browser must be able to keep a number that tells your sessions from others'. "
                "Received: none. Allow this page to store data, then reload it."
            )
        return owner_hash("browser", token)

    def visible_to(self, user: str | None, token: object) -> str | None:
        """Whose sessions the asker sees; None: everybody's."""
        return None if self.shared and not user else self.owner(user, token)
