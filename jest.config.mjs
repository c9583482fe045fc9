import { availableParallelism } from 'node:os';

import { SWC_OPTIONS } from './test/support/swc-options.mjs';

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // Applications of their own, with their own packages and test runner.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/package/fixtures/'],
  modulePathIgnorePatterns: ['<rootDir>/test/package/fixtures/'],
  globalSetup: '<rootDir>/test/support/server-binaries.ts',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', SWC_OPTIONS] },
  testSequencer: '<rootDir>/test/support/sequencer.mjs',
  // Much of what is tested is waiting: jest's own choice, one process on two cores, leaves a core idle.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Every suite leaves its modules behind in its process, and before Node 24 its AsyncLocalStorage makes every later promise
  // cost more: after 30 suites random histories took three times as long. So a process is replaced now and then.
  workerIdleMemoryLimit: '500MB',
  testTimeout: 30_000,
};
