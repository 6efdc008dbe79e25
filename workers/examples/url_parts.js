#!/usr/bin/env node
// Takes URLs apart: a URL per line in, a JSON object per line out.
//
//     printf '%s\n' 'https://Bücher.example:443/a/../b?q=1#top' nonsense |
//       prefork run -w 2 -- workers/examples/url_parts.js
//
// Node takes some 40 ms to start and microseconds to parse a URL: the case that warm workers are for.
//
// What to copy:
//   * A 'data' event is a piece of the stream, not a line. It may hold half a job, or three. Keep what
//     follows the last newline for the next time.
//   * A bad job is answered, not thrown: an uncaught exception would end the worker, and the pool would have
//     to start a new one (40 ms) to tell one caller that his URL was wrong.
//   * process.stdout writes to a pipe at once on Linux; console.log is the same stream, so logging goes to
//     console.error.
'use strict';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const NEWLINE = 0x0a;

function answer(job) {
  let text;
  try {
    text = utf8.decode(job);
  } catch {
    return { error: 'not UTF-8' };
  }
  if (!URL.canParse(text)) return { error: 'not an absolute URL', url: text };
  const url = new URL(text);
  return {
    href: url.href,
    scheme: url.protocol.slice(0, -1),
    host: url.hostname,
    port: url.port,
    path: url.pathname,
    query: [...url.searchParams], // pairs: a name may come twice
    fragment: url.hash.slice(1),
  };
}

const reply = (job) => process.stdout.write(JSON.stringify(answer(job)) + '\n');

let pieces = []; // the job that has not ended yet; joined once, so that a large job costs no copy per piece

process.stdin.on('data', (chunk) => {
  let start = 0;
  for (let end; (end = chunk.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
    pieces.push(chunk.subarray(start, end));
    reply(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
    pieces = [];
  }
  if (start < chunk.length) pieces.push(chunk.subarray(start));
});

// The end of stdin means stop. Node leaves by itself when nothing is left to wait for.
process.stdin.on('end', () => {
  if (pieces.length > 0) reply(Buffer.concat(pieces));
});

// Node ignores SIGPIPE and reports EPIPE here: the pool is gone, so go too.
process.stdout.on('error', () => process.exit(1));
