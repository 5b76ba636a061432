"""The service over its Unix socket, without signatures and without an SDK."""

import http.client
import json
import socket


class ServiceError(Exception):
    """A refusal, as any client hears it."""

    def __init__(self, code, message, status, request_id=None):
        super().__init__(f"{code} ({status}): {message}")
        self.code, self.message, self.status, self.request_id = code, message, status, request_id


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=120):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def send_request(self, target, request, region=None):
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        if region is not None:
            headers["x-enfold-region"] = region
        self.request("POST", "/", json.dumps(request), headers)

    def answer(self):
        """The answer's JSON; ServiceError where it is a refusal."""
        response = self.getresponse()
        text = response.read()
        body = json.loads(text) if text else {}
        if response.status != 200:
            raise ServiceError(body["__type"], body.get("message"), response.status,
                               response.getheader("x-amzn-RequestId"))
        return body

    def ask(self, target, request, region=None):
        self.send_request(target, request, region)
        return self.answer()
