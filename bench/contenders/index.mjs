/** One file each, in the order in which they run. */
const FILES = [
  'lru-cache',
  'map',
  'ioredis',
  'by-hand',
  'nestjs-tiered-cache',
  'cached-method',
  'async-cache-dedupe',
  'cache-manager',
  'bentocache',
  'cacheable',
  'typeorm',
  'cached-repository',
];

/** Every set-up by its id, with the file it comes from and the name of its contender. */
export async function loadSetups() {
  const setups = new Map();
  for (const file of FILES) {
    const { contender } = await import(`./${file}.mjs`);
    for (const [id, setup] of Object.entries(contender.setups)) {
      setups.set(id, { name: contender.name, package: contender.package, ...setup, id, file });
    }
  }
  return setups;
}

/** One set-up, without loading the other contenders. */
export async function loadSetup(file, id) {
  const { contender } = await import(`./${file}.mjs`);
  return contender.setups[id];
}
