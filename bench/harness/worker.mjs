// Runs one contender in a process of its own, round by round, as its parent asks.
import { loadSetup } from '../contenders/index.mjs';
import { workloads } from './workloads.mjs';

let adapter;
let round;

const commands = {
  async open({ file, task, urls }) {
    const setup = await loadSetup(file, task.setup);
    adapter = await setup.open({ ...urls, capacity: task.entries ?? 1_000, bytes: task.bytes });
    round = await workloads[task.workload](adapter, { ...task, argumentOf: setup.argumentOf });
  },
  round: () => round(),
  async close() {
    await adapter.close();
  },
};

// Also when the parent was killed.
process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  commands[message.command](message).then(
    (result) => process.send({ result }),
    (error) => process.send({ error: error.stack }),
  );
});
