import { describe, expect, it } from '@jest/globals';

import { acceptsContentCoding } from '../../lib/http-semantics/content-coding.js';

describe('Accept-Encoding', () => {
  it.each([
    'gzip',
    'GZIP',
    'br;q=0.5',
    'identity, gzip',
    '*',
    'identity;q=0, *',
    'x;q=0, deflate',
    ' , gzip',
    'gzip;q=x',
  ])('%s accepts a content coding', (field) => expect(acceptsContentCoding(field)).toBe(true));

  it.each([undefined, '', ',', 'identity', 'Identity;q=1, *;q=0', 'gzip;q=0', 'gzip; q=0.000', 'gzip;Q = 0'])(
    '%s accepts none',
    (field) => expect(acceptsContentCoding(field)).toBe(false),
  );
});
