import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jsonCodec } from '../../lib/codec/json-codec.js';
import { roundTrip } from './values.js';

// A failure prints the seed and the path to it; FC_SEED repeats a run.
const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
const settings = { seed, numRuns: 500 } as const;

const anyString = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat(0xffff), { maxLength: 5 }).map((codes) => String.fromCharCode(...codes)),
  fc.tuple(fc.constantFrom('\x7f', '\x7f\x7f', '\x01'), fc.string()).map((parts) => parts.join('')),
  fc.stringMatching(/^\x7f[DINMSREUB_u0+-][0-9a-f:-]{0,3}$/), // eslint-disable-line no-control-regex
);
const leaf = fc.oneof(
  anyString,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(null, undefined, -0, NaN),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.oneof(fc.float64Array(), fc.int16Array(), fc.uint8ClampedArray(), fc.bigUint64Array()),
  fc.webUrl().map((url) => new URL(url)),
  fc.constantFrom(/a/, /[\x7f"]+/giu),
);
const key = fc.oneof(anyString, fc.constantFrom('__proto__', 'toString', 'constructor', '0', '12'));
const { value } = fc.letrec<{ value: unknown }>((tie) => {
  const inner = tie('value');
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(inner, { maxLength: 6 }),
      fc.sparseArray(inner, { maxNumElements: 4, maxLength: 8 }),
      fc.dictionary(key, inner, { maxKeys: 6, noNullPrototype: true }),
      fc.array(fc.tuple(inner, inner), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(inner, { maxLength: 4 }).map((elements) => new Set(elements)),
    ),
  };
});
const storable = value.filter((candidate) => candidate !== undefined);

describe(`for any value (seed ${seed})`, () => {
  it('what goes in comes out equal, the value stays as it was, and encoding is deterministic', () => {
    fc.assert(
      fc.property(storable, (original) => {
        const encoded = Buffer.from(jsonCodec.encode(original));
        const decoded = jsonCodec.decode(encoded);
        // Not toStrictEqual, which takes a property called `constructor` for the class.
        expect(isDeepStrictEqual(decoded, original)).toBe(true);
        expect(encoded.equals(jsonCodec.encode(decoded))).toBe(true);
        expect(encoded.equals(jsonCodec.encode(original))).toBe(true);
      }),
      settings,
    );
  });

  it('agrees with JSON about JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (original) => {
        expect(isDeepStrictEqual(roundTrip(original), original)).toBe(true);
      }),
      settings,
    );
  });

  it('changed bytes give a value or an Error, nothing else', () => {
    const change = fc.tuple(
      fc.nat(),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\x7fDINMSREUB_u0+-:"[]{},\x01\x02'))),
    );
    fc.assert(
      fc.property(
        storable,
        fc.array(change, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (original, changes, cut) => {
          const bytes = Buffer.from(jsonCodec.encode(original));
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          for (const data of [bytes, bytes.subarray(0, cut % bytes.length)]) expectValueOrError(data);
        },
      ),
      settings,
    );
  });

  it('random bytes give a value or an Error, nothing else', () => {
    const start = fc.constantFrom('', '\x01', '\x01"\x7f', '\x01["\x7fE",', '\x02\x02\0\0\0');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 40 }), (prefix, rest) => {
        expectValueOrError(Buffer.concat([Buffer.from(prefix), rest]));
      }),
      settings,
    );
  });
});

function expectValueOrError(data: Buffer): void {
  try {
    expect(jsonCodec.decode(data)).not.toBeUndefined();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
}
