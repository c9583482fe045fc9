import { describe, expect, it } from '@jest/globals';

import { authorityOf, pathOf } from '../../lib/http/request-target.js';

describe('authorityOf', () => {
  it.each([
    ['shop.example', 'shop.example'],
    ['SHOP.example', 'shop.example'],
    ['shop.example:80', 'shop.example'],
    ['shop.example:443', 'shop.example'],
    ['shop.example:', 'shop.example'],
    ['shop.example.', 'shop.example'],
    ['shop.example.:443', 'shop.example'],
    ['http://shop.example', 'shop.example'],
    ['HTTPS://shop.example:443', 'shop.example'],
    ['shop.example:3000', 'shop.example:3000'],
    ['shop.example.:3000', 'shop.example:3000'],
    ['shop.example:8080', 'shop.example:8080'],
    ['[::1]:80', '[::1]'],
    ['[::80]', '[::80]'],
    ['[::1]:3000', '[::1]:3000'],
    ['', ''],
  ])('%s', (given, authority) => {
    expect(authorityOf(given)).toBe(authority);
  });
});

describe('pathOf', () => {
  it.each([
    ['/x/1', '/x/1'],
    ['/x/1?a=1', '/x/1'],
    ['/x/1#part', '/x/1'],
    ['/x/1#part?a=1', '/x/1'],
    ['/x/1?a=1#part', '/x/1'],
    ['/x/1;a=1', '/x/1'],
    ['/x/1;a=1?b=2', '/x/1'],
    ['http://shop.example/x/1', '/x/1'],
    ['HTTP://shop.example:80/x/1?a=1', '/x/1'],
    ['http://shop.example', '/'],
    ['http://shop.example?a=1', '/'],
    ['/x\\1', '/x/1'],
    ['/x/1\u00a0', '/x/1'],
    ['/x/http://y', '/x/http://y'],
    ['x/1', '/x/1'],
    ['', '/'],
  ])('%s', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });
});
