"""AWS's own clients behind one interface: call(operation, parameters), pages(operation, page size, parameters).

Answers are plain dictionaries: bytes are bytes, times are datetimes in UTC. A refusal is a ServiceError.
"""

import base64
import datetime
import json
import os
import subprocess
import sys

import boto3
import botocore.client
import botocore.exceptions

from unix_client import ServiceError

HERE = os.path.dirname(os.path.abspath(__file__))
AWS = "/usr/bin/aws"



class Credentials:
    """An access key; where its calls go is said by the client."""

    def __init__(self, key_id, secret, token=None):
        self.key_id, self.secret, self.token = key_id, secret, token


class Boto:
    """boto3. Parameters are sent as they are, so that the service is the one to refuse them; nothing is tried again."""

    name = "boto3"

    def __init__(self, endpoint, region, credentials, **config):
        session = boto3.session.Session()
        config = {"retries": {"max_attempts": 0}, "parameter_validation": False, "max_pool_connections": 32} | config
        self.client = session.client(
            "kms", endpoint_url=endpoint, region_name=region, aws_access_key_id=credentials.key_id,
            aws_secret_access_key=credentials.secret, aws_session_token=credentials.token,
            config=botocore.client.Config(**config))
        self.methods = {operation: method for method, operation in self.client.meta.method_to_api_mapping.items()}
        self.request_id = None

    def knows(self, operation):
        return operation in self.methods

    def call(self, operation, **parameters):
        try:
            answer = getattr(self.client, self.methods[operation])(**parameters)
        except botocore.exceptions.ClientError as error:
            metadata = error.response["ResponseMetadata"]
            raise ServiceError(error.response["Error"]["Code"], error.response["Error"]["Message"],
                               metadata["HTTPStatusCode"], metadata.get("RequestId")) from None
        self.request_id = answer["ResponseMetadata"].get("RequestId")
        return _plain(answer)

    def pages(self, operation, size, **parameters):
        paginator = self.client.get_paginator(self.methods[operation])
        return [_plain(page) for page in paginator.paginate(**parameters, PaginationConfig={"PageSize": size})]


def _plain(answer):
    def value(member):
        if isinstance(member, datetime.datetime):
            return member.astimezone(datetime.timezone.utc)
        if isinstance(member, dict):
            return {name: value(inner) for name, inner in member.items()}
        return [value(item) for item in member] if isinstance(member, list) else member

    return {name: value(member) for name, member in answer.items() if name != "ResponseMetadata"}


class JsServer:
    """The node process behind every Js client (js_client.js)."""

    def __init__(self, place):
        environment = os.environ | {"NODE_PATH": node_modules()}
        self.process = subprocess.Popen(["node", os.path.join(HERE, "js_client.js")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=environment, text=True)
        place.adopt(self.process.pid)

    def ask(self, **call):
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("js_client.js ended: its stderr says why")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()


class Js:
    """The JavaScript SDK. Also compares each answer with the SDK's schema."""

    name = "the JavaScript SDK"

    def __init__(self, server, endpoint, region, credentials, clock_offset_s=0):
        self.server = server
        self.config = {"endpoint": endpoint, "region": region, "accessKeyId": credentials.key_id,
                       "secretAccessKey": credentials.secret, "systemClockOffset": int(clock_offset_s * 1000)}
        if credentials.token is not None:
            self.config["sessionToken"] = credentials.token
        self.raw = None
        self.request_id = None

    def knows(self, operation):
        return True

    def call(self, operation, **parameters):
        outcome = self._ask(operation, parameters)
        if outcome["findings"]:
            raise AssertionError(f"{outcome['findings']} in {outcome['raw']}")
        self.raw = json.loads(outcome["raw"] or "{}")
        self.request_id = outcome["requestId"]
        return outcome["answer"]

    def pages(self, operation, size, **parameters):
        return self._ask(operation, parameters, paginate=size)["answer"]

    def _ask(self, operation, parameters, **more):
        outcome = _decoded(self.server.ask(client=self.config, operation=operation, input=_encoded(parameters), **more))
        error = outcome.get("error")
        if error:
            raise ServiceError(error["code"], error.get("message"), error.get("status"), error.get("requestId"))
        return outcome


def _encoded(value):
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: _encoded(member) for name, member in value.items()}
    return [_encoded(item) for item in value] if isinstance(value, list) else value


def _decoded(value):
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        if "$date" in value:
            return datetime.datetime.fromtimestamp(value["$date"] / 1000, datetime.timezone.utc)
        return {name: _decoded(member) for name, member in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def node_modules():
    """Where the pinned JavaScript clients are: below the folder that install_clients.py filled."""
    where = os.path.join(os.environ.get("ENFOLD_AWS_CLIENTS", ""), "node_modules")
    if not os.path.isdir(where):
        sys.exit("the environment variable ENFOLD_AWS_CLIENTS must name the folder that tests/aws/install_clients.py "
                 f"filled; below it there is no {where!r}")
    return where
