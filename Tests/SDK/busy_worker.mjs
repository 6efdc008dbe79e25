// A worker on the SDK that does what the job says, in the words of busy_worker.py.
import { spawnSync, execSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, job, log, probe, reset, retire, run, setup } from '../../workers/sdk/node/prefork-worker.mjs';

let running = 0;

setup(async () => {
  await sleep(1);
  console.log('setting up');
  if (process.argv.includes('broken')) throw new Error('no model');
});

job(async (text, context) => {
  const [word, rest = ''] = text.split(' ', 2);
  switch (word) {
    case 'together':
      running += 1;
      while (running < Number(rest)) await sleep(5);
      break;
    case 'until-cancelled':
      log('info', 'waits');
      context.signal.addEventListener('abort', () => log('info', 'called on cancel'));
      await sleep(1e6, null, { signal: context.signal });
      break;
    case 'sleep':
      log('info', 'sleeps');
      await sleep(Number(rest) * 1000);
      break;
    case 'fail': throw new RangeError(rest);
    case 'failure': throw new Failure('no such page', { code: 404, data: { page: rest } });
    case 'die': process.exit(3);
    case 'bytes': return Buffer.from('x');
    case 'unfit': return { big: 10n };
    case 'half-pair': return '\ud83d';
    case 'fail-half-pair': throw new Error('\ud83d');
    case 'null': return undefined;
    case 'json': return { job: rest, list: [1, 2.5, 'é'] };
    case 'lines': return 'a\nb';
    case 'print':
      console.log('printed');
      process.stdout.write('written\n');
      spawnSync('echo', ['from a child'], { stdio: ['ignore', 'inherit', 'inherit'] });
      execSync('echo from a shell', { stdio: ['ignore', 'inherit', 'inherit'] });
      break;
    case 'progress': context.progress(1, 4, 'loading'); break;
    case 'log':
      log('warning', 'it is warm');
      log('error', 'it is hot');
      break;
    case 'retire': retire(); break;
    case 'pid': return String(process.pid);
  }
  return text.toUpperCase();
});

job('area', (width, height) => width * (typeof height === 'number' ? height : 1));
probe(() => log('info', 'probed'));
reset(() => {
  if (process.argv.includes('stained')) throw new Error('a stain');
});

process.on('exit', () => console.log('the end'));
run();
