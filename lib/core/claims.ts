import type { Fence } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import type { Entry } from '../tiers/entry.js';
import type { Lease } from '../tiers/leases.js';
import type { ChainClaim, TierChain, TierChoice } from '../tiers/tier-chain.js';

/** What came of a claim: the entry that another process has loaded; or else the caller loads, perhaps with a lease. */
export interface Claimed {
  readonly entry: Entry | undefined;
  readonly lease: Lease | undefined;
}

/** Pauses between looks at a key that another process is loading, in milliseconds. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 200;
/** How long another process' load is waited for, in milliseconds, however alive its holder is. */
export const LONGEST_WAIT = 10_000;

/** One load per key among all processes: who does not get the lease waits for what its holder loads. */
export class Claims {
  constructor(
    private readonly chain: TierChain,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /** Claims a key, and waits for whoever holds it. */
  async one(fence: Fence, choice: TierChoice): Promise<Claimed> {
    const [claim] = await this.chain.claim([fence], choice);
    return claim!.state === 'held' ? this.await(fence, claim!.by, choice) : outcomeOf(claim!);
  }

  /**
   * Claims keys, without waiting for anybody.
   * @returns for each what came of it, or who holds it
   */
  async several(
    fences: readonly Fence[],
    choice: TierChoice,
  ): Promise<(Claimed | { readonly by: Buffer })[]> {
    const claims = await this.chain.claim(fences, choice);
    return claims.map((claim) => (claim.state === 'held' ? claim : outcomeOf(claim)));
  }

  /**
   * Waits until a key that `holder` is loading is filled or free. One holder is waited for, and not a second: when loads
   * fail, or take longer than their lease, processes must not queue up behind each other.
   */
  async await(fence: Fence, holder: Buffer, choice: TierChoice): Promise<Claimed> {
    const begun = this.time.now();
    const over = begun + LONGEST_WAIT;
    try {
      for (let pause = FIRST_PAUSE; this.time.now() < over; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
        await this.time.wait(pause);
        const [claim] = await this.chain.claim([fence], choice);
        if (claim!.state !== 'held') return outcomeOf(claim!);
        if (!claim!.by.equals(holder)) break;
      }
      return { entry: undefined, lease: undefined };
    } finally {
      this.recorder.coherence.leaseWaited(fence.key, this.time.now() - begun);
    }
  }
}

function outcomeOf(claim: ChainClaim): Claimed {
  return {
    entry: claim.state === 'found' ? claim.entry : undefined,
    lease: claim.state === 'granted' ? claim.lease : undefined,
  };
}
