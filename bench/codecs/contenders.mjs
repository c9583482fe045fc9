import v8 from 'node:v8';
import { parse, stringify } from 'devalue';
import { Packr } from 'msgpackr';
import { SuperJSON } from 'superjson';
import { jsonCodec } from './.tmp/codec/json-codec.js';

const records = new Packr({ useRecords: true, moreTypes: true });
const clone = new Packr({ structuredClone: true, moreTypes: true });
const maps = new Packr({ useRecords: false, variableMapSize: true, moreTypes: true });

const text = (write, read) => ({
  encode: (value) => Buffer.from(write(value)),
  decode: (bytes) => read(bytes.toString()),
});
const packr = (packer) => ({
  encode: (value) => packer.pack(value),
  decode: (bytes) => packer.unpack(bytes),
});

/** The first is what the others are measured against: native JSON, which brings few types back. */
export const contenders = {
  JSON: text(JSON.stringify, JSON.parse),
  'marked JSON (ours)': jsonCodec,
  'msgpackr, records': packr(records),
  'msgpackr, structuredClone': packr(clone),
  'msgpackr, objects as maps': packr(maps),
  v8: { encode: v8.serialize, decode: v8.deserialize },
  superjson: text(SuperJSON.stringify, SuperJSON.parse),
  devalue: text(stringify, parse),
};
