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
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  testTimeout: 30_000,
};
