import { Lane } from './lane.js';
import type { Misrouted } from './send.js';

/** A lane to one node of a cluster. */
export class NodeLane extends Lane {
  /** Whether it has been sent. */
  closed = false;
  /** Whether its node has answered: what is still open takes a detour. */
  answered = false;
  /** Settles when nothing of it is under way any more, even if it was given up earlier. */
  through: Promise<void> = Promise.resolve();
  /** Lanes to be through before this one is sent. */
  readonly after = new Set<NodeLane>();

  /** @param address as ioredis writes it, `host:port`; empty where it does not know whose slot that is */
  constructor(readonly address: string) {
    super();
  }

  /** Whether commands can be added: it was neither sent nor, having waited too long for that, given up. */
  get isOpen(): boolean {
    return !this.closed && !this.over;
  }

  /** Whether a later write on the same key was accepted. What is announced is never replaced. */
  isReplaced(place: number): boolean {
    const { writes } = this;
    const { kind, key } = writes[place]!;
    if (kind === 'announce') return false;
    for (let later = place + 1; later < writes.length; later++) {
      if (writes[later]!.key === key && this.isAccepted(later)) return true;
    }
    return false;
  }

  everything(): Misrouted {
    return { writes: [...this.writes.keys()], reads: [...this.reads.keys()] };
  }
}
