// The AWS Encryption SDK with its KMS keyring. ENFOLD_TEST_ENDPOINT and ENFOLD_TEST_KEYS (two ARNs, a space between
// them) say where the keys are; who calls, AWS's own environment variables.
'use strict';
const assert = require('node:assert');
const { randomBytes } = require('node:crypto');
const { test } = require('node:test');
const {
  buildClient, CommitmentPolicy, getClient, getLocalCryptographicMaterialsCache, KMS, KmsKeyringNode,
  NodeCachingMaterialsManager,
} = require('@aws-crypto/client-node');
const { NodeHttpHandler } = require('@smithy/node-http-handler');

const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const [KEY, OTHER_KEY] = process.env.ENFOLD_TEST_KEYS.split(' ');
const CONTEXT = { purpose: 'a test', 'with ☃': '=&' };

// How often each operation was called, whatever its answer.
class CountingHandler extends NodeHttpHandler {
  counts = {};
  handle(request, options) {
    const operation = request.headers['x-amz-target'].replace('TrentService.', '');
    this.counts[operation] = (this.counts[operation] || 0) + 1;
    return super.handle(request, options);
  }
}

function keyring(generatorKeyId, keyIds = []) {
  const handler = new CountingHandler();
  const clientProvider = getClient(KMS, { endpoint: process.env.ENFOLD_TEST_ENDPOINT, requestHandler: handler });
  return { ring: new KmsKeyringNode({ generatorKeyId, keyIds, clientProvider }), counts: handler.counts };
}

const decryptOnly = (keyId) => keyring(undefined, [keyId]).ring;

test('a message of 1 MiB comes back', async () => {
  const { ring, counts } = keyring(KEY);
  const plaintext = randomBytes(1 << 20);
  const { result } = await encrypt(ring, plaintext, { encryptionContext: CONTEXT });
  assert.ok(result.length > plaintext.length);

  const opened = await decrypt(ring, result);
  assert.ok(opened.plaintext.equals(plaintext));
  for (const [name, value] of Object.entries(CONTEXT)) {
    assert.equal(opened.messageHeader.encryptionContext[name], value);
  }
  assert.deepEqual(counts, { GenerateDataKey: 1, Decrypt: 1 });
});

test('a tampered message is refused, wherever it was tampered with', async () => {
  const { ring } = keyring(KEY);
  const { result } = await encrypt(ring, randomBytes(5000), { encryptionContext: CONTEXT });
  for (let at = 0; at < result.length; at += 97) {
    const tampered = Buffer.from(result);
    tampered[at] ^= 1;
    await assert.rejects(decrypt(ring, tampered), `byte ${at} of ${result.length}`);
  }
  await assert.rejects(decrypt(ring, result.subarray(0, result.length - 1)));
});

test('a message for two keys is opened by either, and by no other', async () => {
  const { result } = await encrypt(keyring(KEY, [OTHER_KEY]).ring, 'text', { encryptionContext: CONTEXT });
  for (const key of [KEY, OTHER_KEY]) {
    assert.equal((await decrypt(decryptOnly(key), result)).plaintext.toString(), 'text');
  }
  const { result: forOne } = await encrypt(keyring(KEY).ring, 'text', { encryptionContext: CONTEXT });
  await assert.rejects(decrypt(decryptOnly(OTHER_KEY), forOne));
});

test('twenty messages through the caching manager make one GenerateDataKey and one Decrypt', async () => {
  const { ring, counts } = keyring(KEY);
  const manager = new NodeCachingMaterialsManager({
    backingMaterials: ring, cache: getLocalCryptographicMaterialsCache(100), maxAge: 3_600_000,
    maxMessagesEncrypted: 100,
  });
  const messages = [];
  for (let number = 0; number < 20; ++number) {
    const { result } = await encrypt(manager, `message ${number}`, { encryptionContext: CONTEXT, plaintextLength: 10 });
    messages.push(result);
  }
  assert.deepEqual(counts, { GenerateDataKey: 1 });
  for (const [number, message] of messages.entries()) {
    assert.equal((await decrypt(manager, message)).plaintext.toString(), `message ${number}`);
  }
  assert.deepEqual(counts, { GenerateDataKey: 1, Decrypt: 1 });
});
