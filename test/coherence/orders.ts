/** One of the things that may happen next. */
export interface Way {
  readonly name: string;
  /** What it touches: two ways that touch nothing in common lead to the same, whichever is gone first. */
  readonly touches: readonly string[];
  readonly go: () => void;
}

/** What can be done in many orders. */
export interface Scenario {
  /** What may happen now; empty when all is done. A way keeps its name as long as it is open. */
  ways(): Promise<readonly Way[]>;
  /** Called when all is done, or when the order turns out to lead to what another one leads to. */
  end(redundant: boolean): Promise<void>;
}

/** Which ways were open at a point, and which of them is being followed. */
interface Fork {
  readonly ways: readonly string[];
  at: number;
}

/**
 * Goes through a scenario once for every order that leads to something of its own.
 * @param begin makes the scenario anew; it has to be the same each time
 * @returns how many orders there were
 */
export async function inEveryOrder(begin: () => Promise<Scenario>): Promise<number> {
  const forks: Fork[] = [];
  let orders = 0;
  do {
    const scenario = await begin();
    const redundant = await follow(scenario, forks);
    await scenario.end(redundant);
    if (!redundant) orders++;
    while (forks.length > 0 && forks.at(-1)!.at + 1 === forks.at(-1)!.ways.length) forks.pop();
    if (forks.length > 0) forks.at(-1)!.at++;
  } while (forks.length > 0);
  return orders;
}

/** @returns whether the order is redundant */
async function follow(scenario: Scenario, forks: Fork[]): Promise<boolean> {
  /** What was open before the last step and has nothing to do with it. */
  let passedOver: readonly string[] = [];
  for (let depth = 0; ; depth++) {
    const open = await scenario.ways();
    if (open.length === 0) return false;
    // Of two orders that differ only in which of two independent steps comes first, one is enough.
    const ways = open.filter(({ name }) => !passedOver.includes(name));
    if (ways.length === 0) return true;
    const names = ways.map(({ name }) => name);
    const fork = (forks[depth] ??= { ways: names, at: 0 });
    if (fork.ways.join() !== names.join())
      throw new Error('the scenario did not do the same in the same order');
    const way = ways[fork.at]!;
    passedOver = open
      .slice(0, open.indexOf(way))
      .filter((other) => !other.touches.some((thing) => way.touches.includes(thing)))
      .map(({ name }) => name);
    way.go();
  }
}
