// Write a worker for prefork in a few lines:
//
//     import { job, run } from './prefork-worker.mjs';
//
//     job(async (text) => text.toUpperCase());
//     run();
//
// `prefork run --protocol jsonrpc -- node worker.mjs` runs it with everything below. `echo x | node worker.mjs`, in a
// terminal, answers each line with a line; so does `prefork run -- node worker.mjs`.
//
// Jobs. `job(function)` registers a function for the jobs, `job('name', function)` for those of `--method name`. It is
// called with the job, a string, and a context; with `--params`, with the elements of an array, with the member `job`
// of an object, or with the object if it has none, and the context. What it returns, or resolves to, is the reply: a
// string as text, anything else as JSON. An exception fails this job alone, with the stack, and the worker lives on;
// `throw new Failure('no such page', { code: 404 })` fails it without one.
//
// The context, the last argument: `progress(done, total, message)`, `signal` (an AbortSignal that is aborted when
// prefork cancels the job), and `params` (all parameters).
//
// `log(level, text)` logs through prefork; `retire()` asks to be replaced after the current jobs. Hooks:
// `setup(function)` runs before the worker reports that it is ready, `probe(function)` and `reset(function)` when
// prefork asks (`--probe probe`, `--reset reset`). With `--concurrency K`, jobs that wait for something run at the same
// time.
//
// stdout: `console.log`, `process.stdout`, native code and child processes with `stdio: 'inherit'` write to stderr once
// this module is imported. Node cannot duplicate a descriptor; we open /proc/self/fd/1 anew. Where that is refused (a
// socket, another user's pipe as with `--user`), only `console` and `process.stdout` are moved, and a child with
// `stdio: 'inherit'` would write into the protocol. stdin cannot be moved: a child that inherits it can read jobs.
//
// The end: the end of stdin, SIGTERM or SIGINT. What was read is answered, then the process exits.
//
// The `lines` protocol has no failures, so a job that throws ends the worker (the stack is on stderr, prefork reports a
// crash and starts another worker). By hand, the reply is an empty line and the exit status is 1 in the end.
import fs from 'node:fs';

/** Throw it to fail a job without a stack. `code`: an integer; `data`: anything that JSON can hold. */
export class Failure extends Error {
  constructor(message, { code = 1, data } = {}) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const EXCEPTION = -32000;
const CANCELLED = -32800;
const NEWLINE = 0x0a;

const jobs = new Map();
const hooks = { probe: () => null, reset: () => null };
const setups = [];

// A worker that this one starts has a protocol of its own.
const protocol = process.env.PREFORK_PROTOCOL;
delete process.env.PREFORK_PROTOCOL;

// ------------------------------------------------------------------------------------------- the worker's interface

/** Registers a function for the jobs: `job(function)`, or `job(name, function)` for the method of that name. */
export function job(name, perform) {
  if (typeof name === 'function') [name, perform] = ['job', name];
  if (typeof perform !== 'function') throw new TypeError('job needs a function');
  if (jobs.has(name)) {
    throw new Error(`there is a function for "${name}" already; give this one its own: job('name', function)`);
  }
  jobs.set(name, perform);
}

/** Registers the answer to a probe: the worker is well if the function returns, and is replaced if it throws. */
export function probe(perform) {
  hooks.probe = perform;
}

/** Registers what removes the traces of a job, to run after each; the worker is replaced if it throws. */
export function reset(perform) {
  hooks.reset = perform;
}

/** Registers what runs once, before the worker is ready. Several run in their order. */
export function setup(perform) {
  setups.push(perform);
}

/** Logs a text. `level`: debug, info, notice, warning, error, critical, alert or emergency. */
export function log(level, text) {
  if (protocol === 'jsonrpc') notify('log', { level: String(level), message: String(text) });
  else console.error(`${level}: ${text}`);
}

/** Asks to be replaced after the current jobs, for example because a leak was noticed. Only with JSON-RPC. */
export function retire() {
  if (protocol === 'jsonrpc') notify('retire');
}

/** Answers jobs until the end. */
export async function run() {
  if (jobs.size === 0) fail('no function is registered with job()');
  if (![undefined, 'lines', 'jsonrpc'].includes(protocol)) {
    fail(`cannot speak --protocol ${protocol}; try --protocol jsonrpc`);
  }
  for (const prepare of setups) await prepare();
  await notifyReady();
  if (protocol === 'jsonrpc') await serveRequests();
  else await serveLines(protocol === undefined);
}

function fail(text) {
  console.error(`prefork-worker: ${text}`);
  process.exit(1);
}

// ------------------------------------------------------------------------------------------------------------- stdout

/** The real stdout. In its place is stderr. */
const output = takeStdout();

function takeStdout() {
  let real = 1;
  // A file that was opened anew would have a position of its own, and overwrite what others write.
  const isStream = (descriptor) => fs.fstatSync(descriptor).isFIFO() || fs.fstatSync(descriptor).isCharacterDevice();
  if (isStream(1) && isStream(2)) {
    try {
      fs.closeSync(fs.openSync('/proc/self/fd/2', 'a'));
      real = fs.openSync('/proc/self/fd/1', 'a');
    } catch {
      // Not ours to open.
    }
  }
  if (real !== 1) {
    // What is opened next gets the lowest free descriptor.
    fs.closeSync(1);
    if (fs.openSync('/proc/self/fd/2', 'a') !== 1) fail('stdout cannot be moved; import this module first');
  }
  Object.defineProperty(process, 'stdout', { configurable: true, get: () => process.stderr });
  console._stdout = process.stderr; // in case it was used before
  return real;
}

function write(text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(output, bytes));
    } catch (error) {
      if (error.code === 'EPIPE') process.exit(1); // the pool is gone, and nobody waits for an answer
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function send(message) {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message });
  write(`${hasHalfPair(text) ? text.replace(escapes, (escape) => (escape === '\\\\' ? escape : '\ufffd')) : text}\n`);
}

// JSON.stringify writes half of a surrogate pair as an escape, which no other program can read.
const escapes = /\\(\\|ud[89a-f][0-9a-f]{2})/g;

function hasHalfPair(text) {
  return text.includes('\\ud') && (text.match(escapes) ?? []).some((escape) => escape !== '\\\\');
}

function notify(method, params) {
  send({ method, params });
}

/** READY=1, by systemd's program, since Node has no datagrams on unix sockets; and the notification `ready`. */
async function notifyReady() {
  if (process.env.NOTIFY_SOCKET) {
    const { spawnSync } = await import('node:child_process');
    const { error } = spawnSync('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: ['ignore', 2, 2] });
    if (error) console.error(`prefork-worker: cannot send READY=1 (${error.message}); try --ready message`);
  }
  if (protocol === 'jsonrpc') notify('ready');
}

// ---------------------------------------------------------------------------------------------------------- protocols

/** Calls `receive` for each line of stdin as it comes, and resolves at its end, or when a signal asks for the end. */
function readLines(receive, whenSignalled) {
  return new Promise((resolve) => {
    let pieces = []; // joined once per line, so that a long one costs no copy per block
    process.stdin.on('data', (block) => {
      let start = 0;
      for (let end; (end = block.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
        pieces.push(block.subarray(start, end));
        receive(Buffer.concat(pieces));
        pieces = [];
      }
      if (start < block.length) pieces.push(block.subarray(start));
    });
    process.stdin.on('end', () => {
      if (pieces.length > 0) receive(Buffer.concat(pieces));
      resolve();
    });
    process.stdin.on('error', resolve);
    for (const name of ['SIGTERM', 'SIGINT']) {
      // A second signal finds no handler, and kills.
      process.once(name, () => {
        whenSignalled();
        resolve();
      });
    }
  });
}

async function serveRequests() {
  const open = new Map(); // AbortControllers of jobs, by id
  const running = new Set();

  const refuse = (id, code, message, data) => send({ id, error: { code, message, data } });

  async function call(id, perform, controller) {
    try {
      const result = await perform();
      write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${encode(result)}}\n`);
    } catch (error) {
      refuse(id, ...description(error, controller));
    }
    open.delete(id);
  }

  function begin(id, method, params) {
    let perform = hooks[method];
    let controller;
    if (jobs.has(method)) {
      if (typeof params !== 'object' || params === null) {
        return refuse(id, INVALID_PARAMS, 'the parameters of a job must be an array or an object');
      }
      const list = Array.isArray(params) ? params : [Object.hasOwn(params, 'job') ? params.job : params];
      controller = new AbortController();
      open.set(id, controller);
      const progress = (done, total, message = '') => {
        notify('progress', { id, done: Number(done), total: total && Number(total), message: String(message) });
      };
      const context = { progress, signal: controller.signal, params };
      perform = () => jobs.get(method)(...list, context);
    } else if (!Object.hasOwn(hooks, method)) {
      const names = [...jobs.keys()].join(', ');
      return refuse(id, METHOD_NOT_FOUND, `method not found: ${method}; this worker has ${names}`);
    }
    const task = call(id, perform, controller);
    running.add(task);
    task.finally(() => running.delete(task));
  }

  let isStopped;
  const stopped = new Promise((resolve) => (isStopped = resolve));
  const ended = readLines((line) => {
    const text = line.toString();
    if (text.trim() === '') return;
    let message;
    try {
      message = JSON.parse(text);
    } catch (error) {
      if (/^content-length/i.test(text)) fail('cannot speak --framing content-length');
      return refuse(null, PARSE_ERROR, `not JSON: ${error.message}`);
    }
    if (message === null || typeof message !== 'object' || Array.isArray(message)) {
      return refuse(null, INVALID_REQUEST, 'a request must be an object');
    }
    const { id, method, params } = message;
    if (typeof method !== 'string') {
      if (!('result' in message || 'error' in message)) refuse(null, INVALID_REQUEST, 'a request needs a "method"');
    } else if (id !== undefined) begin(id, method, params);
    else if (method === 'cancel') open.get(params?.id)?.abort(new Failure('cancelled', { code: CANCELLED }));
    else if (method === 'stop') isStopped();
  }, retire);
  await Promise.race([ended, stopped]);
  while (running.size > 0) await Promise.allSettled(running);
  process.exit();
}

/** JSON of a result. */
function encode(result) {
  if (ArrayBuffer.isView(result) || result instanceof ArrayBuffer) {
    throw new TypeError("a job returned bytes; return a string (buffer.toString()), or 'base64' of them");
  }
  const text = JSON.stringify(result === undefined ? null : result);
  if (text === undefined) throw new TypeError(`a job returned a ${typeof result}, which JSON cannot hold`);
  if (hasHalfPair(text)) throw new TypeError('a job returned half of a surrogate pair, which is no text');
  return text;
}

/** Code, message and data of a JSON-RPC error. */
function description(error, controller) {
  if (error instanceof Failure) {
    try {
      JSON.stringify(error.data);
    } catch (defect) {
      return [error.code, `${error.message} (its data: ${defect.message})`];
    }
    return [error.code, error.message, error.data];
  }
  if (controller?.signal.aborted) return [CANCELLED, `cancelled: ${error}`];
  if (!(error instanceof Error)) return [EXCEPTION, String(error)];
  return [EXCEPTION, String(error), error.stack];
}

/** A line for each line, one job after another. */
async function serveLines(isByHand) {
  const perform = jobs.get('job') ?? jobs.values().next().value;
  let failures = 0;
  let mustStop = false;

  async function answer(line) {
    if (mustStop) return;
    const progress = (done, total, message = '') => {
      if (isByHand) console.error('progress:', total === undefined ? done : `${done}/${total}`, message);
    };
    const context = { progress, signal: new AbortController().signal, params: { job: line } };
    try {
      const result = await perform(line, context);
      const text = typeof result === 'string' ? result : encode(result);
      if (text.includes('\n') && !isByHand) {
        throw new Error('a reply of several lines; with --protocol jsonrpc they are possible');
      }
      write(`${text}\n`);
    } catch (error) {
      console.error(error);
      failures += 1;
      if (!isByHand) process.exit(1);
      write('\n');
    }
  }

  let last = Promise.resolve();
  await readLines((line) => {
    const text = line.toString();
    last = last.then(() => answer(text));
  }, () => (mustStop = isByHand));
  await last;
  process.exit(failures > 0 ? 1 : 0);
}
