"""Requests to a key service as botocore signs them: what the service must accept and the client must sign alike.

    make_sigv4_vectors.py > tests/vectors/kms/sigv4_botocore.txt
    make_sigv4_vectors.py --check tests/vectors/kms/sigv4_botocore.txt

Needs Debian's python3-botocore. The same file comes out every time.
"""

import datetime
import hashlib
import random
import sys

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HEADER = """\
# Signature Version 4 of botocore for requests to KMS, made by tests/wire/make_sigv4_vectors.py.
# One case a line: number, whether botocore signs just the headers that we would, access key id, secret, session token,
# region, milliseconds since 1970, target, headers (name=value, between commas), body, Authorization; names of headers,
# and all behind the access key id but region and time, in hexadecimal; "-" is the empty string."""

HOSTS = ["localhost:8080", "127.0.0.1:4599", "kms.us-east-1.amazonaws.com", "[::1]:8080", "kms.example.org:443"]
REGIONS = ["us-east-1", "eu-central-1", "local", "x", "a-region-of-thirty-two-characters"[:32]]
TARGETS = ["TrentService.Encrypt", "TrentService.GenerateDataKey", "Enfold.Ping"]
SPARE_HEADERS = [
    ("x-amz-content-sha256", None),
    ("amz-sdk-request", "attempt=1"),
    ("amz-sdk-invocation-id", "7e3a4b5c-0000-4000-8000-1234567890ab"),
    ("X-Amz-User-Agent", "aws-sdk-js/3.967.0  ua/2.1   os/linux"),
    ("X-Custom", "  many   spaces \t and a tab "),
    ("User-Agent", "never signed"),
    ("Content-Length", None),
]
KNOWN_TO_US = {"host", "content-type"}


def hexed(text):
    data = text if isinstance(text, bytes) else text.encode()
    return data.hex() or "-"


def fixed_clock(now):
    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return now

        @classmethod
        def now(cls, tz=None):
            return now.replace(tzinfo=tz)

    return Clock


def sign(body, host, query, headers, credentials, region, now):
    request = AWSRequest(method="POST", url=f"http://{host}/{query}", data=body, headers=dict(headers))
    # The host as the client sends it: botocore leaves out a port that is the scheme's own.
    request.headers["Host"] = host
    real = botocore.auth.datetime
    botocore.auth.datetime = type("fixed", (), {"datetime": fixed_clock(now)})
    try:
        botocore.auth.SigV4Auth(credentials, "kms", region).add_auth(request)
    finally:
        botocore.auth.datetime = real
    return request


def case(rng, number):
    body = rng.choice([b"{}", b"", b'{"KeyId": "alias/demo"}', "{\"Description\": \"Schl\u00fcssel\"}".encode(), rng.randbytes(300)])
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", rng.choice(TARGETS))]
    for name, value in SPARE_HEADERS:
        if rng.random() < 0.4:
            if name == "x-amz-content-sha256":
                value = hashlib.sha256(body).hexdigest()
            headers.append((name, value if value is not None else str(len(body))))
    rng.shuffle(headers)
    token = rng.choice([None, None, "FwoGZXIvYXdzEXAMPLE//token+with/slashes=="])
    secret = "".join(rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", k=40))
    credentials = Credentials(f"AKIAEXAMPLE{number:09d}", secret, token)
    region = rng.choice(REGIONS)
    query = rng.choice(["", "", "", "?a=b&A=c", "?z=1&%C3%BC=%20%2F&empty="])
    now = datetime.datetime(2015, 1, 1) + datetime.timedelta(seconds=rng.randrange(20 * 365 * 86400))
    request = sign(body, rng.choice(HOSTS), query, headers, credentials, region, now)

    authorization = request.headers["Authorization"]
    sent = [(name, value) for name, value in request.headers.items() if name != "Authorization"]
    signed = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
    ours = {n.lower() for n, _ in sent if n.lower() in KNOWN_TO_US or n.lower().startswith("x-amz-")}
    same = set(signed) == ours
    milliseconds = int(now.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    fields = [number, int(same), credentials.access_key, hexed(secret), hexed(token or ""), region, milliseconds,
              hexed("/" + query), ",".join(f"{hexed(n)}={value.encode().hex()}" for n, value in sent), hexed(body),
              hexed(authorization)]
    return " ".join(str(field) for field in fields)


def main():
    rng = random.Random(20261121)
    text = "\n".join([HEADER] + [case(rng, number) for number in range(40)]) + "\n"
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as file:
            if file.read() != text:
                sys.exit(f"{sys.argv[2]} is not what botocore signs")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
