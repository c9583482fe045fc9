// Which faults happen when. The same seed gives the same plan.

const CALM_AT_FIRST = 3_000;

/** What happens between one process and Redis, and how often. Longer and shorter than maxStaleness, often. */
const CONNECTION_FAULTS = {
  delay: 20,
  cut: 15,
  blackHoleShort: 15,
  blackHoleLong: 25,
  halfOpenShort: 8,
  halfOpenLong: 10,
  refuse: 12,
};
const SERVER_FAULTS = { restart: 20, flush: 20, pauseShort: 15, pauseLong: 20, forget: 25, rollBack: 20 };

/** How long a fault lasts, in multiples of maxStaleness. */
const LASTING = {
  delay: [0.3, 1],
  cut: [0.01, 0.01],
  blackHoleShort: [0.1, 0.7],
  blackHoleLong: [1.1, 2.2],
  halfOpenShort: [0.1, 0.7],
  halfOpenLong: [1.1, 2.2],
  refuse: [0.2, 1.8],
  restart: [0.01, 0.01],
  flush: [0.01, 0.01],
  pauseShort: [0.1, 0.7],
  pauseLong: [1.1, 1.8],
  forget: [0.3, 0.8],
  rollBack: [0.1, 0.8],
};

/** @returns {{ at: number, lasting: number, kind: string, places: number[] }[]} milliseconds since the beginning */
export function planFaults(random, { milliseconds, processes, maxStaleness }) {
  const places = Array.from({ length: processes }, (_, place) => place);
  // Two halves, so that faults overlap, but never on the same connections.
  const connections = [0, 1].flatMap((half) => {
    const those = places.filter((place) => place % 2 === half);
    if (those.length === 0) return [];
    return planLane(random, milliseconds, [300, 2_500], maxStaleness, () => ({
      kind: random.weighted(CONNECTION_FAULTS),
      places: random.some(those, random.pick([1, 1, those.length])),
    }));
  });
  const servers = planLane(random, milliseconds, [2_000, 7_000], maxStaleness, () => ({
    kind: random.weighted(SERVER_FAULTS),
    places: [],
  }));
  return [...connections, ...servers].toSorted((a, b) => a.at - b.at);
}

/** One fault after the other, with calm between them. */
function planLane(random, milliseconds, calm, maxStaleness, choose) {
  const plan = [];
  let at = CALM_AT_FIRST + random.between(...calm);
  for (;;) {
    const { kind, places } = choose();
    const [shortest, longest] = LASTING[kind];
    const lasting = random.between(shortest, longest) * maxStaleness;
    if (at + lasting > milliseconds) return plan;
    plan.push({ at: Math.round(at), lasting: Math.round(lasting), kind, places });
    at += lasting + random.between(...calm);
  }
}
