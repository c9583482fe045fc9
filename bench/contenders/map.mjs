/** What heap is compared with: the values alone, and the values in a plain Map. */
export const contender = {
  name: 'Map',
  setups: {
    'values-alone': {
      name: 'the values alone, in an array',
      values: 'by reference',
      offers: { get: '' },
      open({ capacity }) {
        const values = Array.from({ length: capacity });
        let next = 0;
        return {
          get: async () => undefined,
          set: async (_key, value) => void (values[next++] = value),
          close: async () => void values.pop(),
        };
      },
    },
    map: {
      values: 'by reference',
      offers: { get: 'get' },
      open() {
        const map = new Map();
        return {
          get: async (key) => map.get(key),
          set: async (key, value) => void map.set(key, value),
          close: async () => map.clear(),
        };
      },
    },
  },
};
