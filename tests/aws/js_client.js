// The JavaScript SDK as a server of lines: each line of stdin is one call, each line of stdout its outcome.
//   {"client": {"endpoint", "region", "accessKeyId", "secretAccessKey", "sessionToken", "systemClockOffset"},
//    "operation": "CreateKey", "input": {...}, "paginate": false}
//   -> {"answer": {...}, "raw": TEXT, "findings": [...], "requestId"} or {"error": {code, message, status, requestId}}
// Bytes are {"$bytes": BASE64}, times {"$date": MILLISECONDS}. `findings` says where the answer's JSON differs from
// the SDK's own schema of that operation.
'use strict';
const readline = require('node:readline');
const { Readable } = require('node:stream');
const kms = require('@aws-sdk/client-kms');
const { NodeHttpHandler } = require('@smithy/node-http-handler');
const { findings } = require('./js_schema.js');

class RecordingHandler {
  constructor() {
    this.inner = new NodeHttpHandler();
    this.texts = [];
  }
  async handle(request, options) {
    const { response } = await this.inner.handle(request, options);
    const chunks = [];
    for await (const chunk of response.body) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    this.texts.push(body.toString('utf8'));
    response.body = Readable.from([body]);
    return { response };
  }
}

const clients = new Map();

function clientFor(config) {
  const key = JSON.stringify(config);
  if (!clients.has(key)) {
    const { endpoint, region, accessKeyId, secretAccessKey, sessionToken, systemClockOffset } = config;
    const handler = new RecordingHandler();
    const client = new kms.KMSClient({
      endpoint, region, credentials: { accessKeyId, secretAccessKey, sessionToken },
      systemClockOffset: systemClockOffset || 0, maxAttempts: 1, requestHandler: handler,
    });
    clients.set(key, { client, handler });
  }
  return clients.get(key);
}

function decoded(value) {
  if (Array.isArray(value)) return value.map(decoded);
  if (value === null || typeof value !== 'object') return value;
  if ('$bytes' in value) return Buffer.from(value.$bytes, 'base64');
  if ('$date' in value) return new Date(value.$date);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, decoded(member)]));
}

function encoded(value) {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Date) return { $date: value.getTime() };
  if (Array.isArray(value)) return value.map(encoded);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, encoded(member)]));
}

async function pages({ client }, operation, input, pageSize) {
  const all = [];
  for await (const page of kms[`paginate${operation}`]({ client, pageSize }, input)) all.push(page);
  return all;
}

function withoutMetadata(answer) {
  const { $metadata, ...members } = answer;
  return encoded(members);
}

async function outcome({ client: config, operation, input, paginate }) {
  const entry = clientFor(config);
  entry.handler.texts = [];
  try {
    if (paginate) {
      return { answer: (await pages(entry, operation, decoded(input), paginate)).map(withoutMetadata) };
    }
    const answer = await entry.client.send(new kms[`${operation}Command`](decoded(input)));
    const raw = entry.handler.texts.at(-1);
    return { answer: withoutMetadata(answer), raw, findings: findings(operation, raw),
             requestId: answer.$metadata.requestId };
  } catch (error) {
    const { httpStatusCode, requestId } = error.$metadata || {};
    return { error: { code: error.name, message: error.message, status: httpStatusCode, requestId,
                      raw: entry.handler.texts.at(-1) } };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await outcome(JSON.parse(line))) + '\n');
  }
}

main();
