// Realistic values to encode: what a Nest application keeps in a cache.
const start = Date.UTC(2026, 2, 4, 5, 6, 7, 89);
const at = (minutes) => new Date(start + minutes * 60_000);

class Entity {
  constructor(properties) {
    Object.assign(this, properties);
  }
}

const product = (i) => ({
  id: 1000 + i,
  sku: `SKU-${100_000 + i}`,
  name: `Product number ${i}`,
  description: `A fine product with a description of ordinary length, number ${i}`,
  price: 19.99 + i,
  currency: 'EUR',
  stock: i * 3,
  tags: ['home', 'sale'],
  createdAt: at(i),
  updatedAt: at(i * 2),
});

const user = {
  id: 12345,
  email: 'maria.lopez@example.com',
  firstName: 'María',
  lastName: 'López',
  active: true,
  roles: ['admin', 'editor', 'billing'],
  createdAt: at(1),
  updatedAt: at(2),
  lastLogin: at(3),
  address: {
    street: 'Calle de Alcalá 42',
    city: 'Madrid',
    zip: '28014',
    country: 'ES',
    lat: 40.4189,
    lng: -3.6946,
  },
  settings: { theme: 'dark', language: 'es-ES', newsletter: false, timezone: 'Europe/Madrid', pageSize: 50 },
  bio: 'Writes about caching, queues and everything that goes wrong between the two of them.',
  managerId: null,
};

const paragraph = (i, j) => ({
  id: i * 10 + j,
  text: `Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore ${j}`,
  bold: j % 2 === 0,
  score: i * 0.37 + j,
});

const section = (i) => ({
  id: `s${i}`,
  heading: `Section ${i}`,
  paragraphs: Array.from({ length: 8 }, (_, j) => paragraph(i, j)),
  links: [{ href: `https://example.com/${i}`, rel: 'next' }],
});

export const values = {
  'small flat object, 100 B': {
    id: 4711,
    sku: 'SKU-004711',
    name: 'Walnut desk lamp',
    price: 89.9,
    stock: 12,
    active: true,
  },
  'user with 3 Dates, 600 B': user,
  'the same, a class instance': new Entity(user),
  '50 products, 100 Dates, 14 kB': Array.from({ length: 50 }, (_, i) => product(i)),
  'plain document, 100 kB': { title: 'Document', sections: Array.from({ length: 66 }, (_, i) => section(i)) },
  'Map, Set, Date, bigint, 600 B': {
    id: 9_007_199_254_740_993n,
    at: at(0),
    roles: new Set(['a', 'b', 'c']),
    preferences: new Map([['theme', { dark: true }], ['since', at(1)], ['n', 5]]), // prettier-ignore
    ratio: NaN,
    missing: undefined,
    counts: new Map(Array.from({ length: 20 }, (_, i) => [i, BigInt(i) * 10n ** 15n])),
  },
  'Buffer of 20 kB in an object': { type: 'image/webp', body: Buffer.alloc(20_000, 'binary') },
};
