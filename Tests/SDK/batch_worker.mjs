// A worker for batches, in the words of batch_worker.py.
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, batch, job, log, run } from '../../workers/sdk/node/prefork-worker.mjs';

function reply(text) {
  switch (text) {
    case 'fail': return Promise.reject(new RangeError('no luck'));
    case 'failure': return new Failure('no such page', { code: 404, data: [1] });
    case 'bytes': return Buffer.from('x');
    default: return typeof text === 'string' ? text.toUpperCase() : { got: text };
  }
}

batch(async (jobs, context) => {
  if (jobs.includes('raise')) throw new Error(`of ${jobs.length}`);
  if (jobs.includes('short')) return jobs.slice(1);
  if (jobs.includes('text')) return 'text';
  if (jobs.includes('progress')) context.progress(1, 2);
  if (jobs.includes('until-cancelled')) {
    log('info', 'waits');
    await sleep(1e6, null, { signal: context.signal });
  }
  return jobs.map(reply);
});

batch('count', (jobs) => jobs.map(() => jobs.length));

job('single', (text) => {
  if (text === 'fail') throw new RangeError('no luck');
  return `${text}!`;
});

run();
