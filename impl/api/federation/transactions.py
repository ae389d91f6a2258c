"""api-specs/server-server/transactions.yaml"""

from typing import Any

from generated.federation.transactions import SendTransactionBody
from impl.app import App
from impl.services.incoming import transaction


def send_transaction(
    app: App, origin: str, txn_id: str, body: SendTransactionBody
) -> dict[str, Any]:
    return transaction.receive(app, origin, txn_id, body.pdus, body.edus or [])
