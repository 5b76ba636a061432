"""Requests signed by botocore's own signer and then sent byte for byte as a test wants them."""

import contextlib
import datetime
import http.client
import json
import sys
import types
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import daemon


class SignedRequest:
    """POST / of one operation. What is changed after signed() was not signed."""

    def __init__(self, endpoint, operation, parameters):
        self.endpoint = endpoint
        self.body = json.dumps(parameters)
        self.headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{operation}"}

    def signed(self, credentials, region=daemon.REGION, service="kms", seconds_ago=0, payload_header=False):
        request = botocore.awsrequest.AWSRequest("POST", f"{self.endpoint}/", data=self.body, headers=self.headers)
        if payload_header:
            request.headers["X-Amz-Content-SHA256"] = botocore.auth.SigV4Auth(None, "", "").payload(request)
        known = botocore.credentials.Credentials(credentials.key_id, credentials.secret, credentials.token)
        with signing_time(seconds_ago):
            botocore.auth.SigV4Auth(known, service, region).add_auth(request)
        self.headers = dict(request.headers.items())
        return self

    def replaced(self, header, old, new):
        assert old in self.headers[header], self.headers
        self.headers[header] = self.headers[header].replace(old, new)
        return self

    def send(self, connection=None):
        """(status, JSON of the answer)"""
        own = connection is None
        connection = connection or http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=120)
        try:
            headers = self.headers if isinstance(self.headers, list) else list(self.headers.items())
            has = {name.lower() for name, _ in headers}
            connection.putrequest("POST", "/", skip_host="host" in has, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(self.body)))
            connection.endheaders(self.body.encode())
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            if own:
                connection.close()


@contextlib.contextmanager
def signing_time(seconds_ago):
    """botocore signs as if it were that long ago, itself and through AWS's common runtime, which it prefers where it is
    installed."""

    class Shifted(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.utcnow() - datetime.timedelta(seconds=seconds_ago)

    shifted_module = types.SimpleNamespace(**vars(datetime) | {"datetime": Shifted})
    with contextlib.ExitStack() as patches:
        for signer in ("botocore.auth", "botocore.crt.auth"):
            if signer in sys.modules:
                patches.enter_context(mock.patch(f"{signer}.datetime", shifted_module))
        yield
