import type { Fence, Fences } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import type { Entry } from '../tiers/entry.js';
import type { Claim, Wanted } from '../tiers/lease-desk.js';
import type { Lease } from '../tiers/leases.js';
import type { Found } from '../tiers/remote-entries.js';
import type { ChainClaim, TierChain, TierChoice } from '../tiers/tier-chain.js';
import type { Policy } from './resolve-options.js';

/** What came of a claim: the entry that another process has loaded; or else the caller loads, perhaps with a lease. */
export interface Claimed {
  readonly entry: Entry | undefined;
  readonly lease: Lease | undefined;
  /** Whether another process was still loading it when there was no time left to wait. */
  readonly held: boolean;
}

/** As {@link Claimed}, and for how long another process was waited for, in milliseconds. */
export interface Waited extends Claimed {
  readonly waited: number;
}

/** Somebody else is loading it. */
export type Held = Extract<Claim, { readonly state: 'held' }>;

/** Pauses between looks at a key that another process is loading, in milliseconds. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 200;
/** How long another process' load is waited for, in milliseconds, however alive its holder is. */
export const LONGEST_WAIT = 10_000;

/** One load per key among all processes: who does not get the lease waits for what its holder loads. */
export class Claims {
  constructor(
    private readonly chain: TierChain,
    private readonly fences: Fences,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /** Claims a key, and waits for whoever holds it. */
  async one(wanted: Wanted, choice: WaitChoice): Promise<Waited> {
    const [claim] = await this.chain.claim([wanted], choice);
    if (claim!.state !== 'held') return { ...outcomeOf(claim!), waited: 0 };
    const begun = this.time.now();
    let outcome = NOTHING;
    await this.await([wanted.fence], [claim!], choice, ([ended]) => (outcome = ended!.claimed));
    return { ...outcome, waited: this.time.now() - begun };
  }

  /**
   * Claims keys, without waiting for anybody.
   * @returns for each what came of it, or who holds it
   */
  async several(wanted: readonly Wanted[], choice: TierChoice): Promise<(Claimed | Held)[]> {
    const claims = await this.chain.claim(wanted, choice);
    return claims.map((claim) => (claim.state === 'held' ? claim : outcomeOf(claim)));
  }

  /**
   * Waits until each of the keys that others are loading is filled or free. One holder is waited for, and a second only if
   * it began after something was invalidated: when loads fail, or take longer than their lease, processes must not queue up
   * behind each other. A key that is itself invalidated meanwhile is not claimed any more.
   * @param onEnd told of keys as soon as their waits have ended: others may be waiting for those that were granted
   */
  async await(
    fences: readonly Fence[],
    held: readonly Held[],
    choice: WaitChoice,
    onEnd: (ended: readonly Ended[]) => void,
  ): Promise<void> {
    const begun = this.time.now();
    const longest = Math.min(LONGEST_WAIT, choice.policy.hardTimeout ?? Infinity);
    let waiting = fences.map((fence, i) => new Wait(fence, i, held[i]!));
    for (let pause = FIRST_PAUSE; waiting.length > 0; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await this.time.wait(pause);
      const [open, broken] = this.#split(waiting, choice);
      const ended: Ended[] = broken.map(({ i }) => ({ i, claimed: NOTHING }));
      // Whatever comes of it now has not begun before.
      for (const { fence } of open) this.fences.restart(fence);
      const claims = await this.chain.claim(open, choice);
      const late = this.time.now() - begun >= longest;
      waiting = open.filter((wait, at) => {
        const claim = claims[at]!;
        if (claim.state === 'held' && !late && wait.goesOnFor(claim)) return true;
        ended.push({ i: wait.i, claimed: outcomeOf(claim) });
        return false;
      });
      for (const { i } of ended) {
        this.recorder.coherence.leaseWaited(fences[i]!.key, this.time.now() - begun);
      }
      if (ended.length > 0) onEnd(ended);
    }
  }

  #split(waiting: readonly Wait[], { tags }: WaitChoice): [open: Wait[], broken: Wait[]] {
    const open = waiting.filter(({ fence }) => this.fences.admits(fence, tags));
    return [open, waiting.filter((wait) => !open.includes(wait))];
  }
}

/** A key whose wait has ended. */
export interface Ended {
  /** Its place among those waited for. */
  readonly i: number;
  readonly claimed: Claimed;
}

/** What a wait has to know of a call. */
export interface WaitChoice extends TierChoice {
  readonly policy: Pick<Policy, 'hardTimeout'>;
  /** The tags that the value will carry, as far as they are known. */
  readonly tags: readonly string[] | undefined;
}

/** One key that somebody else is loading. */
class Wait {
  #changed = false;

  constructor(
    readonly fence: Fence,
    readonly i: number,
    private held: Held,
  ) {}

  /** What is to be replaced, though it can still be read. */
  get over(): Found | undefined {
    return this.held.over;
  }

  goesOnFor(held: Held): boolean {
    const [holder, before] = [held.by, this.held.by];
    if (!holder.lease.equals(before.lease)) {
      if (this.#changed || holder.asOf <= before.asOf) return false;
      this.#changed = true;
    }
    this.held = held;
    return true;
  }
}

/** The caller loads, without a lease. */
export const NOTHING: Claimed = { entry: undefined, lease: undefined, held: false };

function outcomeOf(claim: ChainClaim): Claimed {
  return {
    entry: claim.state === 'found' ? claim.entry : undefined,
    lease: claim.state === 'granted' ? claim.lease : undefined,
    held: claim.state === 'held',
  };
}
