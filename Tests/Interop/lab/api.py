"""Plain requests to an agent, for tests that look at statuses and bodies themselves."""

import http.client
import json
import ssl

from lab.controller import DIRECTORY


def call(amphora, method, path, body=None):
    """One request with the controller's certificate; the status and the decoded JSON of the answer."""
    context = ssl.create_default_context(cafile=str(DIRECTORY / "server-ca.pem"))
    # The certificate names the amphora's id, not its address.
    context.check_hostname = False
    context.load_cert_chain(DIRECTORY / "client.pem")
    connection = http.client.HTTPSConnection(amphora.container.management_address, 9443, timeout=60, context=context)
    try:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
