import { describe, expect, it } from '@jest/globals';
import { cacheGroups, cacheTag, surrogateKey } from '../../lib/http-semantics/cache-groups.js';

const long = 'x'.repeat(256);

describe('tags', () => {
  it.each([
    ['Cache-Groups', cacheGroups, '"a:1", "b c", "d,e", "f\\"g\\\\"'],
    ['Cache-Tag', cacheTag, 'a:1,f"g\\'],
    ['Surrogate-Key', surrogateKey, 'a:1 d,e f"g\\'],
  ])('are written as %s, each once', (_, write, value) => {
    expect(write(['a:1', 'b c', 'd,e', 'a:1', 'f"g\\']).value).toBe(value);
  });

  it.each([
    ['Cache-Groups', cacheGroups],
    ['Cache-Tag', cacheTag],
    ['Surrogate-Key', surrogateKey],
  ])('that %s cannot express are left out, and named', (_, write) => {
    const bad = ['ü', 'a\r\nSet-Cookie: x', 'a\nb', 'a\rb', 'a\0b', 'a\tb', '\x7f', '\ud800', '', `${long}x`];
    const { value, omitted } = write([...bad, 'ok', long]);
    expect(omitted).toEqual(bad);
    expect(value).toMatch(/^"?ok.*x"?$/);
    expect(write(bad)).toEqual({ value: undefined, omitted: bad });
    expect(write([])).toEqual({ value: undefined, omitted: [] });
  });

  it('name what the fields separate by', () => {
    expect(cacheTag(['a,b', 'c d', 'e']).omitted).toEqual(['a,b', 'c d']);
    expect(surrogateKey(['a,b', 'c d', 'e']).omitted).toEqual(['c d']);
  });

  it.each([cacheGroups, cacheTag, surrogateKey])('do not make a field that is too long', (write) => {
    const tags = Array.from({ length: 1000 }, (_, index) => `tag:${index}`);
    const { value, omitted } = write(tags);
    expect(value!.length).toBeLessThanOrEqual(4096);
    expect(value!.length).toBeGreaterThan(4080);
    expect(omitted).toEqual(tags.slice(-omitted.length));
  });
});
