import { createRequire } from 'node:module';
import { expect } from '@jest/globals';

const { testPath = '' } = expect.getState();
const { version } = createRequire(testPath)('@nestjs/core/package.json') as { version: string };

/** The major version of the Nest that this suite runs on. */
export const NEST_MAJOR = Number.parseInt(version, 10);

/** What handlers may return since Nest 12, by the names of the routes that do. */
export const SINCE_NEST_12 = ['web', 'generator'];
