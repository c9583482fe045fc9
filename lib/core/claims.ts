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
    if (claim!.state !== 'held') return outcomeOf(claim!);
    const [outcome] = await this.await([fence], [claim!.by], choice);
    return outcome!;
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
   * Waits until each of the keys that `holders` are loading is filled or free. One holder is waited for, and not a second:
   * when loads fail, or take longer than their lease, processes must not queue up behind each other.
   */
  async await(fences: readonly Fence[], holders: readonly Buffer[], choice: TierChoice): Promise<Claimed[]> {
    const outcomes: Claimed[] = fences.map(() => NOTHING);
    const begun = this.time.now();
    let waiting = fences.map((_, i) => i);
    for (let pause = FIRST_PAUSE; waiting.length > 0; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await this.time.wait(pause);
      const claims = await this.chain.claim(
        waiting.map((i) => fences[i]!),
        choice,
      );
      const late = this.time.now() - begun >= LONGEST_WAIT;
      const still = waiting.filter((i, at) => {
        const claim = claims[at]!;
        if (claim.state === 'held' && claim.by.equals(holders[i]!) && !late) return true;
        outcomes[i] = outcomeOf(claim);
        this.recorder.coherence.leaseWaited(fences[i]!.key, this.time.now() - begun);
        return false;
      });
      waiting = still;
    }
    return outcomes;
  }
}

const NOTHING: Claimed = { entry: undefined, lease: undefined };

function outcomeOf(claim: ChainClaim): Claimed {
  return {
    entry: claim.state === 'found' ? claim.entry : undefined,
    lease: claim.state === 'granted' ? claim.lease : undefined,
  };
}
