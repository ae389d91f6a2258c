"""api-specs/client-server/users.yaml"""

from typing import Any

from generated.client.users import SearchUserDirectoryBody
from impl.app import App
from impl.requester import Requester
from impl.services import user_directory


def search_user_directory(
    app: App, requester: Requester, body: SearchUserDirectoryBody
) -> dict[str, Any]:
    return user_directory.search(app, requester, body.search_term, body.limit)
