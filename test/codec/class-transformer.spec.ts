import { describe, expect, it, jest } from '@jest/globals';

describe('class-transformer', () => {
  it('is optional', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.unstable_mockModule('class-transformer', () => {
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
      });
      const fresh = await import('../../lib/codec/class-type.js');
      await expect(fresh.loadTypeReviver()).resolves.toBeUndefined();
    });
  });

  it('that cannot be loaded for another reason is an error', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.unstable_mockModule('class-transformer', () => {
        throw new Error('broken');
      });
      const fresh = await import('../../lib/codec/class-type.js');
      await expect(fresh.loadTypeReviver()).rejects.toThrow('broken');
    });
  });

  it('of which there are two copies is told apart when it matters', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.unstable_mockModule('class-transformer', () => ({ Exclude: () => () => {} }));
      jest.unstable_mockModule('class-transformer/esm5/storage.js', () => ({}));
      const fresh = await import('../../lib/codec/class-type.js');
      const blind = await fresh.loadTypeReviver();
      expect(() => blind!.revive(Object, {})).toThrow(/another copy/);
    });
  });
});
