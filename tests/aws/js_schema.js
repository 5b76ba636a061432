// Where the JSON of an answer differs from the SDK's own schema of the operation: SDKs drop what they do not know and
// take most of what has the wrong type, so their answers alone do not show it.
'use strict';
const kms = require('@aws-sdk/client-kms');
const { NormalizedSchema } = require('@smithy/core/schema');

const isBase64 = (text) => Buffer.from(text, 'base64').toString('base64') === text;

const SCALARS = [
  ['isBlobSchema', 'base64', (value) => typeof value === 'string' && isBase64(value)],
  ['isTimestampSchema', 'seconds since 1970', (value) => typeof value === 'number' && value > 1e9 && value < 1e11],
  ['isStringSchema', 'a text', (value) => typeof value === 'string'],
  ['isBooleanSchema', 'a boolean', (value) => typeof value === 'boolean'],
  ['isNumericSchema', 'a number', (value) => typeof value === 'number'],
];

function* inStruct(schema, value, path) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return yield `${path}: no object`;
  const members = new Map(schema.structIterator());
  for (const [name, member] of Object.entries(value)) {
    if (!members.has(name)) yield `${path}.${name}: no such member`;
    else yield* inValue(members.get(name), member, `${path}.${name}`);
  }
}

function* inValue(schema, value, path) {
  if (schema.isStructSchema()) return yield* inStruct(schema, value, path);
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) return yield `${path}: no list`;
    for (const [index, item] of value.entries()) yield* inValue(schema.getValueSchema(), item, `${path}[${index}]`);
    return;
  }
  for (const [is, what, fits] of SCALARS) {
    if (schema[is]()) {
      if (!fits(value)) yield `${path}: not ${what}`;
      return;
    }
  }
  yield `${path}: of a kind that the test does not know`;
}

function findings(operation, text) {
  const output = NormalizedSchema.of(kms[`${operation}$`][5]);
  if (output.isUnitSchema()) return text === '' || text === '{}' ? [] : [`an answer where none is due: ${text}`];
  return [...inValue(output, JSON.parse(text), operation)];
}

module.exports = { findings };
