import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';
import { describeBasics } from './basics.js';

for (const topology of TOPOLOGIES) {
  describeBasics(topology, async () => (await benchOf(topology)).cache, closeBenches);
}
