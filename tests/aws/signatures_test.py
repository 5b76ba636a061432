"""Signatures: what AWS's signers make is taken in every form, and nothing that was changed afterwards is."""

import http.client
import time

import daemon
from clients import Credentials
from signed_requests import SignedRequest, signing_time
from unix_client import ServiceError

MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.")
UNKNOWN_KEY = "The security token included in the request is invalid."
NOT_SIGNED, NOT_WHOLE, WRONG = ("MissingAuthenticationTokenException", "IncompleteSignatureException",
                                "InvalidSignatureException")


class Signatures(daemon.KmsdTest):
    def request(self, **description):
        return SignedRequest(self.daemon.endpoint, "CreateKey", description)

    def signed(self, credentials=None, **how):
        return self.request().signed(credentials or self.credentials, **how)

    def assert_taken(self, request):
        status, answer = request.send()
        self.assertEqual((status, "KeyMetadata" in answer), (200, True), answer)

    def assert_refused(self, code, request, message=None):
        """Refused, and nothing was done."""
        status, answer = request.send()
        self.assertEqual((status, answer["__type"]), (400, code), answer)
        if message is not None:
            self.assertEqual(answer["message"], message)
        self.assertNotIn(self.credentials.secret, str(answer))
        self.assertEqual(self.boto().call("ListKeys")["Keys"], [])

    def test_takes_every_form_that_signers_give_a_request(self):
        self.assert_taken(self.signed())
        self.assert_taken(self.signed(payload_header=True))
        self.assert_taken(self.signed(seconds_ago=270))
        self.assert_taken(self.signed(seconds_ago=-270))
        for more in ({"X-Spaces": "a   b  \t c"}, {"x-empty": ""}, {"X-Amz-Z": "1", "A-First": "2"},
                     {"amz-sdk-invocation-id": "x", "amz-sdk-request": "attempt=1"}):
            request = self.request()
            request.headers |= more
            self.assert_taken(request.signed(self.credentials))

    def test_names_of_headers_have_no_case_and_no_order(self):
        for changed in (str.lower, str.upper):
            request = self.signed()
            request.headers = {changed(name): value for name, value in reversed(request.headers.items())}
            self.assert_taken(request)

    def test_headers_that_are_not_signed_may_come_and_change(self):
        request = self.signed()
        request.headers["X-Forwarded-For"] = "10.0.0.1"
        request.headers["User-Agent"] = "changed"
        self.assert_taken(request)

    def test_refuses_who_is_not_known(self):
        self.assert_refused(NOT_SIGNED, self.request())
        unknown = Credentials("AKIAIOSFODNN7EXAMPLE", self.credentials.secret)
        self.assert_refused("UnrecognizedClientException", self.signed(unknown), UNKNOWN_KEY)
        other = Credentials(self.credentials.key_id, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        self.assert_refused(WRONG, self.signed(other), MISMATCH)
        self.assert_refused(WRONG, self.signed(Credentials(self.credentials.key_id, "")), MISMATCH)

    def test_refuses_a_signature_of_another_time(self):
        for seconds_ago, words in ((330, "Signature expired: "), (86400, "Signature expired: "),
                                   (-330, "Signature not yet current: ")):
            request = self.signed(seconds_ago=seconds_ago)
            status, answer = request.send()
            self.assertEqual((status, answer["__type"]), (400, WRONG))
            self.assertTrue(answer["message"].startswith(words), answer)

    def test_refuses_what_was_changed_after_signing(self):
        body = self.signed()
        body.body = '{"Description": "other"}'
        self.assert_refused(WRONG, body, MISMATCH)
        self.assert_refused(WRONG, self.signed().replaced("X-Amz-Target", "CreateKey", "GenerateRandom"), MISMATCH)
        self.assert_refused(WRONG, self.signed().replaced("Content-Type", "1.1", "1.1; charset=utf-8"), MISMATCH)
        self.assert_refused(WRONG, self.signed().replaced("Authorization", daemon.REGION, "us-east-1"), MISMATCH)
        for last in "0123456789abcdef":
            request = self.signed()
            if not request.headers["Authorization"].endswith(last):
                request.headers["Authorization"] = request.headers["Authorization"][:-1] + last
                self.assert_refused(WRONG, request, MISMATCH)

        host = self.signed()
        host.headers["Host"] = "kms.example"
        self.assert_refused(WRONG, host, MISMATCH)
        date = self.signed()
        second = date.headers["X-Amz-Date"][-2]
        date.headers["X-Amz-Date"] = date.headers["X-Amz-Date"][:-2] + ("1" if second == "0" else "0") + "Z"
        self.assert_refused(WRONG, date, MISMATCH)

    def test_refuses_a_body_that_its_own_header_denies(self):
        request = self.request()
        request.headers["X-Amz-Content-SHA256"] = "0" * 64
        self.assert_refused(WRONG, request.signed(self.credentials))

    def test_refuses_a_signature_that_leaves_out_what_matters(self):
        for name in ("host", "x-amz-date", "x-amz-target"):
            request = self.signed()
            listed = request.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0]
            rest = ";".join(item for item in listed.split(";") if item != name)
            self.assert_refused(WRONG, request.replaced("Authorization", listed, rest))

    def test_refuses_another_service_and_another_form(self):
        self.assert_refused(WRONG, self.signed(service="s3"))
        for old, new, code in (
            ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512", NOT_WHOLE), ("/aws4_request", "/aws5_request", WRONG),
            ("/aws4_request", "", NOT_WHOLE), ("Credential=", "Credentials=", NOT_WHOLE),
            ("Signature=", "Signature", NOT_WHOLE), ("SignedHeaders=", "SignedHeaders=;", NOT_WHOLE),
            ("SignedHeaders=", "SignedHeaders=absent;", WRONG), ("AWS4-HMAC-SHA256 ", "Bearer ", NOT_SIGNED),
            (f"/{daemon.REGION}/", "/EU-Central-1/", WRONG), (f"/{daemon.REGION}/", f"/{'r' * 33}/", WRONG),
            (f"/{daemon.REGION}/", "//", WRONG),
        ):
            with self.subTest(old=old, new=new):
                self.assert_refused(code, self.signed().replaced("Authorization", old, new))

    def test_refuses_a_header_twice(self):
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Target"):
            request = self.signed()
            request.headers = [*request.headers.items(), (name, request.headers[name])]
            status, answer = request.send()
            self.assertEqual((status, answer["__type"]), (400, NOT_WHOLE), answer)

    def test_the_connection_stays_usable_after_refusals(self):
        connection = http.client.HTTPConnection(self.daemon.endpoint.removeprefix("http://"), timeout=120)
        self.addCleanup(connection.close)
        for _ in range(3):
            self.assertEqual(self.request().send(connection)[0], 400)
            self.assertEqual(self.signed().send(connection)[0], 200)

    def test_real_clients_hear_the_same(self):
        unknown = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        wrong = Credentials(self.credentials.key_id, unknown.secret)
        for make in (self.boto, self.js):
            self.refused("UnrecognizedClientException", UNKNOWN_KEY, make(credentials=unknown), "ListKeys")
            self.refused(WRONG, MISMATCH, make(credentials=wrong), "ListKeys")

    def test_real_clients_with_a_wrong_clock(self):
        for offset in (-3600, 3600):
            with signing_time(-offset), self.assertRaises(ServiceError) as raised:
                self.boto().call("ListKeys")
            self.assertEqual(raised.exception.code, WRONG)
            # This SDK learns the right time from the refusal, so that its next call passes.
            js = self.js(clock_offset_s=offset)
            with self.assertRaises(ServiceError) as raised:
                js.call("ListKeys")
            self.assertEqual(raised.exception.code, WRONG)
            self.assertEqual(js.call("ListKeys")["Keys"], [])

    def test_a_captured_request_is_of_no_use_after_its_time(self):
        """The five minutes are counted by the signed date, not by the arrival."""
        request = self.signed(seconds_ago=297)
        time.sleep(5)
        self.assert_refused(WRONG, request)


if __name__ == "__main__":
    daemon.main()
