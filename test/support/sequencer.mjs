import { relative } from 'node:path';

import Sequencer from '@jest/test-sequencer';

/** Suites that take far longer than others of their size, the longest first. */
const LONG = [
  'package/package.spec.ts',
  'coherence/walk.spec.ts',
  'redis/sick-replies.spec.ts',
  'coherence/history.spec.ts',
  'redis/sick-server.spec.ts',
  'redis/sick-network.spec.ts',
  'redis/sick-start.spec.ts',
  'stores/redis-cluster.spec.ts',
  'policies/matrix.spec.ts',
];

/**
 * Begins with the long suites. Where jest has never run it takes the size of a file for how long it takes, and one worker
 * would end long after the other.
 */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const place = ({ path, context }) => {
      const at = LONG.indexOf(relative(`${context.config.rootDir}/test`, path).replaceAll('\\', '/'));
      return at === -1 ? LONG.length : at;
    };
    const byDuration = super.sort(tests);
    // A stable sort: the others stay as jest has put them.
    return byDuration.toSorted((a, b) => place(a) - place(b));
  }
}
