"""Lists in pages, by the SDKs' own paginators, and by hand while rows come and go."""

import daemon
from unix_client import ServiceError


class Pages(daemon.KmsdTest):
    def setUp(self):
        super().setUp()
        self.keys = [self.new_key(self.boto())["KeyId"] for _ in range(7)]

    def assert_pages(self, operation, member, sizes, size, client, **parameters):
        """The pages have these sizes, and all but the last say that there are more; all their items in order."""
        pages = client.pages(operation, size, **parameters)
        self.assertEqual([len(page[member]) for page in pages], sizes)
        self.assertEqual([page["Truncated"] for page in pages], [True] * (len(pages) - 1) + [False])
        self.assertEqual(["NextMarker" in page for page in pages], [True] * (len(pages) - 1) + [False])
        return [item for page in pages for item in page[member]]

    def test_keys(self):
        for client in self.both():
            for size, sizes in ((3, [3, 3, 1]), (7, [7]), (1, [1] * 7), (1000, [7])):
                listed = self.assert_pages("ListKeys", "Keys", sizes, size, client)
                self.assertEqual(sorted(self.keys), sorted(entry["KeyId"] for entry in listed))

    def test_aliases_of_all_keys_and_of_one(self):
        boto = self.boto()
        names = [f"alias/a-{number}" for number in range(10)]
        for number, name in enumerate(names):
            boto.call("CreateAlias", AliasName=name, TargetKeyId=self.keys[number % 2])
        for client in self.both():
            mine = self.assert_pages("ListAliases", "Aliases", [2, 2, 1], 2, client, KeyId=self.keys[1])
            self.assertEqual([entry["AliasName"] for entry in mine], names[1::2])
            listed = [entry for page in client.pages("ListAliases", 4) for entry in page["Aliases"]]
            self.assertEqual([e["AliasName"] for e in listed if not e["AliasName"].startswith("alias/aws/")], names)

    def test_tags(self):
        tags = [{"TagKey": f"key {number:02}", "TagValue": str(number)} for number in range(50)]
        self.boto().call("TagResource", KeyId=self.keys[0], Tags=tags)
        listed = self.assert_pages("ListResourceTags", "Tags", [20, 20, 10], 20, self.js(), KeyId=self.keys[0])
        self.assertEqual(listed, tags)
        self.assertEqual(self.boto().call("ListResourceTags", KeyId=self.keys[0], Limit=50)["Tags"], tags)

    def test_rotations(self):
        js = self.js()
        for _ in range(5):
            js.call("RotateKeyOnDemand", KeyId=self.keys[0])
        listed = self.assert_pages("ListKeyRotations", "Rotations", [2, 2, 1], 2, js, KeyId=self.keys[0])
        self.assertEqual(len({entry["KeyMaterialId"] for entry in listed}), 5)
        dates = [entry["RotationDate"] for entry in listed]
        self.assertEqual(dates, sorted(dates))
        self.assert_pages("ListKeyRotations", "Rotations", [4, 2], 4, js, KeyId=self.keys[0],
                          IncludeKeyMaterial="ALL_KEY_MATERIAL")

    def test_without_a_limit_a_page_has_as_many_as_aws_says(self):
        boto = self.boto()
        for _ in range(94):
            self.new_key(boto)
        self.assertEqual(boto.call("ListKeys")["Truncated"], True)
        self.assertEqual(len(boto.call("ListKeys")["Keys"]), 100)
        for number in range(101):
            boto.call("CreateAlias", AliasName=f"alias/n{number}", TargetKeyId=self.keys[number % 7])
        self.assertEqual(len(boto.call("ListAliases")["Aliases"]), 50)
        self.assertEqual(len(boto.call("ListAliases", Limit=100)["Aliases"]), 100)

    def test_rows_that_come_and_go_between_pages_disturb_no_others(self):
        boto = self.boto()
        names = [f"alias/n{number}" for number in range(9)]
        for name in names:
            boto.call("CreateAlias", AliasName=name, TargetKeyId=self.keys[0])
        first = boto.call("ListAliases", KeyId=self.keys[0], Limit=3)
        for gone in (1, 2, 3):  # the last of this page, the one before and the first of the next
            boto.call("DeleteAlias", AliasName=names[gone])
        boto.call("CreateAlias", AliasName="alias/n5-new", TargetKeyId=self.keys[0])
        rest = boto.call("ListAliases", KeyId=self.keys[0], Marker=first["NextMarker"])
        self.assertEqual([entry["AliasName"] for entry in rest["Aliases"]],
                         ["alias/n4", "alias/n5", "alias/n5-new", "alias/n6", "alias/n7", "alias/n8"])
        self.assertEqual(rest["Truncated"], False)

    def test_a_marker_that_is_none_is_refused(self):
        of_another_list = self.boto().call("ListKeys", Limit=1)["NextMarker"]
        for client in self.both():
            for wrong in ("x", of_another_list, "é", "A" * 1024):
                with self.assertRaises(ServiceError) as raised:
                    client.call("ListAliases", Marker=wrong)
                self.assertEqual((raised.exception.code, raised.exception.status), ("InvalidMarkerException", 400))


if __name__ == "__main__":
    daemon.main()
