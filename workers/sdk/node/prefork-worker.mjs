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
// Jobs in batches (`--batch N`). `batch(function)`, or `batch('name', function)`, registers a function that is called
// with an array of jobs and a context, and returns, or resolves to, the array of their replies, in the same order. An
// Error, or a rejected promise, in it fails that job alone; what is thrown fails them all. Without `--batch` each job is
// an array of one; with it, functions of `job` are called for each job.
//
// The context, the last argument: `progress(done, total, message)`, `signal` (an AbortSignal that is aborted when
// prefork cancels the job, or all jobs of the batch), and `params` (all parameters; an array of them in a batch).
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
const batches = new Set(); // the names of those that are called with arrays of jobs
const hooks = { probe: () => null, reset: () => null };
const setups = [];

// A worker that this one starts has a protocol of its own.
const protocol = process.env.PREFORK_PROTOCOL;
const hasCounts = process.env.PREFORK_BATCH !== undefined;
delete process.env.PREFORK_PROTOCOL;
delete process.env.PREFORK_BATCH;

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

/** Registers a function for arrays of jobs: `batch(function)`, or `batch(name, function)`. */
export function batch(name, perform) {
  if (typeof name === 'function') [name, perform] = ['job', name];
  job(name, perform);
  batches.add(name);
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
  if (jobs.size === 0) fail('no function is registered with job() or batch()');
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

function textOf(message) {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message });
  return hasHalfPair(text) ? text.replace(escapes, (escape) => (escape === '\\\\' ? escape : '\ufffd')) : text;
}

function writeLine(text) {
  write(`${text}\n`);
}

// JSON.stringify writes half of a surrogate pair as an escape, which no other program can read.
const escapes = /\\(\\|ud[89a-f][0-9a-f]{2})/g;

function hasHalfPair(text) {
  return text.includes('\\ud') && (text.match(escapes) ?? []).some((escape) => escape !== '\\\\');
}

function notify(method, params) {
  writeLine(textOf({ method, params }));
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

/** The jobs of one call: a single one, or those of a batch. Aborted when all of them are cancelled. */
class Call {
  controller = new AbortController();

  constructor(ids) {
    this.ids = new Set(ids);
  }

  cancel(id) {
    this.ids.delete(id);
    if (this.ids.size === 0) this.controller.abort(new Failure('cancelled', { code: CANCELLED }));
  }

  context(ids, params) {
    const progress = (done, total, message = '') => {
      for (const id of ids) {
        notify('progress', { id, done: Number(done), total: total && Number(total), message: String(message) });
      }
    };
    return { progress, signal: this.controller.signal, params };
  }
}

async function serveRequests() {
  const open = new Map(); // the calls of jobs, by id
  const running = new Set();

  const refuse = (respond, id, code, message, data) => respond(textOf({ id, error: { code, message, data } }));

  function answer({ id, respond }, result) {
    open.delete(id);
    respond(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${encode(result)}}`);
  }

  function answerError({ id, respond }, error, controller) {
    open.delete(id);
    refuse(respond, id, ...description(error, controller));
  }

  /** Runs what answers these requests, one result each. */
  function start(requests, perform, controller) {
    const task = (async () => {
      let results;
      try {
        results = await perform();
      } catch (error) {
        return requests.forEach((request) => answerError(request, error, controller));
      }
      requests.forEach((request, index) => {
        try {
          if (results[index] instanceof Error) throw results[index];
          answer(request, results[index]);
        } catch (error) {
          answerError(request, error, controller);
        }
      });
    })();
    running.add(task);
    task.finally(() => running.delete(task));
  }

  function startJob(request) {
    const { id, method, params } = request;
    const call = new Call([id]);
    open.set(id, call);
    const list = Array.isArray(params) ? params : [jobOf(params)];
    const perform = async () => [await jobs.get(method)(...list, call.context([id], params))];
    start([request], perform, call.controller);
  }

  function startBatch(method, requests) {
    const ids = requests.map(({ id }) => id);
    const call = new Call(ids);
    ids.forEach((id) => open.set(id, call));
    const all = requests.map(({ params }) => params);
    const perform = async () => {
      return resultsOf(await jobs.get(method)(all.map(jobOf), call.context(ids, all)), ids.length);
    };
    start(requests, perform, call.controller);
  }

  /** Starts what a request asks for; the jobs of batches are only put into `gathered`. */
  function begin(request, gathered) {
    const { respond, id, method, params } = request;
    if (!jobs.has(method)) {
      if (Object.hasOwn(hooks, method)) return start([request], async () => [await hooks[method]()]);
      const names = [...jobs.keys()].join(', ');
      return refuse(respond, id, METHOD_NOT_FOUND, `method not found: ${method}; this worker has ${names}`);
    }
    if (typeof params !== 'object' || params === null) {
      return refuse(respond, id, INVALID_PARAMS, 'the parameters of a job must be an array or an object');
    }
    if (!batches.has(method)) return startJob(request);
    if (!gathered.has(method)) gathered.set(method, []);
    gathered.get(method).push(request);
  }

  let isStopped;
  const stopped = new Promise((resolve) => (isStopped = resolve));

  function handle(message, respond, gathered) {
    if (!isObject(message)) return refuse(respond, null, INVALID_REQUEST, 'a request must be an object');
    const { id, method, params } = message;
    if (typeof method !== 'string') {
      if (wantsResponse(message)) refuse(respond, null, INVALID_REQUEST, 'a request needs a "method"');
    } else if (id !== undefined) begin({ respond, id, method, params }, gathered);
    else if (method === 'cancel') open.get(params?.id)?.cancel(params.id);
    else if (method === 'stop') isStopped();
  }

  const ended = readLines((line) => {
    const text = line.toString();
    if (text.trim() === '') return;
    let message;
    try {
      message = JSON.parse(text);
    } catch (error) {
      if (/^content-length/i.test(text)) fail('cannot speak --framing content-length');
      return refuse(writeLine, null, PARSE_ERROR, `not JSON: ${error.message}`);
    }
    const gathered = new Map(); // requests of batches, by method
    if (Array.isArray(message) && message.length > 0) {
      const respond = together(message.filter(wantsResponse).length);
      message.forEach((each) => handle(each, respond, gathered));
    } else {
      handle(message, writeLine, gathered);
    }
    gathered.forEach((requests, method) => startBatch(method, requests));
  }, retire);
  await Promise.race([ended, stopped]);
  while (running.size > 0) await Promise.allSettled(running);
  process.exit();
}

function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Not a notification, nor a response itself. */
function wantsResponse(message) {
  if (!isObject(message)) return true;
  return typeof message.method === 'string' ? message.id !== undefined : !('result' in message || 'error' in message);
}

/** Writes this many responses as one array, when all are there. */
function together(count) {
  const texts = [];
  return (text) => {
    if (texts.push(text) === count) writeLine(`[${texts.join(',')}]`);
  };
}

/** A job as a function gets it. */
function jobOf(params) {
  if (Array.isArray(params)) return params.length === 1 ? params[0] : params;
  return Object.hasOwn(params, 'job') ? params.job : params;
}

/** What the function of a batch has returned; a promise in it is waited for, and one that is rejected is an Error. */
async function resultsOf(results, count) {
  const number = count === 1 ? 'one job' : `${count} jobs`;
  if (!Array.isArray(results)) {
    throw new Failure(`a batch of ${number} needs an array of as many results; it returned a ${typeof results}`);
  }
  if (results.length !== count) throw new Failure(`a batch of ${number} returned ${results.length} results`);
  const asError = (reason) => (reason instanceof Error ? reason : new Error(String(reason)));
  return Promise.all(results.map((result) => Promise.resolve(result).catch(asError)));
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

/** A line for each line, one job or batch after another. */
async function serveLines(isByHand) {
  const name = jobs.has('job') ? 'job' : jobs.keys().next().value;
  const perform = jobs.get(name);
  let failures = 0;
  let mustStop = false;

  const progress = (done, total, message = '') => {
    if (isByHand) console.error('progress:', total === undefined ? done : `${done}/${total}`, message);
  };
  const context = (params) => ({ progress, signal: new AbortController().signal, params });

  /** What is written for a result. */
  function lineOf(result) {
    if (result instanceof Error) throw result;
    const text = typeof result === 'string' ? result : encode(result);
    if (text.includes('\n') && !isByHand) {
      throw new Error('a reply of several lines; with --protocol jsonrpc they are possible');
    }
    return `${text}\n`;
  }

  function giveUp(error) {
    console.error(error);
    failures += 1;
    if (!isByHand) process.exit(1);
    write('\n');
  }

  async function answer(job) {
    try {
      write(lineOf(await perform(job, context({ job }))));
    } catch (error) {
      giveUp(error);
    }
  }

  async function answerBatch(all) {
    let results;
    try {
      results = await resultsOf(await perform(all, context(all.map((job) => ({ job })))), all.length);
    } catch (error) {
      return all.forEach(() => giveUp(error));
    }
    for (const result of results) {
      try {
        write(lineOf(result));
      } catch (error) {
        giveUp(error);
      }
    }
  }

  let last = Promise.resolve();
  function enqueue(all) {
    last = last.then(async () => {
      if (mustStop) return;
      if (batches.has(name)) return answerBatch(all);
      for (const each of all) await answer(each);
    });
  }

  let missing = 0; // jobs of the batch that is being read
  let message = [];
  function receive(line) {
    if (!hasCounts || isByHand) return enqueue([line]);
    if (missing === 0) {
      if (!/^[1-9][0-9]{0,8}$/.test(line)) {
        fail(`a batch must begin with a line that holds its number of jobs, not "${line.slice(0, 50)}"`);
      }
      missing = Number(line);
      return;
    }
    missing -= 1;
    message.push(line);
    if (missing > 0) return;
    enqueue(message);
    message = [];
  }

  await readLines((line) => receive(line.toString()), () => (mustStop = isByHand));
  await last;
  if (missing > 0) fail(`stdin has ended, and ${missing} jobs of a batch are missing`);
  process.exit(failures > 0 ? 1 : 0);
}
