// The HTTP API of the node that served this page: one call, one answer or one `Problem`. Nothing is retried here: whether
// to ask again depends on what became of the first time, and the caller shows that.

import { authorization, tokenTurn } from './token.js';

const TIMEOUT_MS = 8000;
const WRITES = ['PUT', 'POST', 'PATCH', 'DELETE'];

/**
 * A call that did not succeed, as RFC 9457 has it. `status` is 0 when there was no answer at all. `turn` is that of the token
 * a refused call was sent with.
 */
export class Problem extends Error {
  constructor(status, body) {
    super(body.title);
    Object.assign(this, { status, title: body.title, detail: body.detail ?? '', outcome: body.outcome ?? null });
    this.name = String(body.type ?? '').split('/').at(-1);
    this.requestId = body.request_id ?? '';
    this.retryAfterMs = body.retry_after_ms ?? null;
  }
}

/** Asks, and gives `{ status, headers, body }`; the body is what `read` makes of the response. */
export async function call(method, path, { headers = {}, body, read = readJson, timeoutMs = TIMEOUT_MS } = {}) {
  const turn = tokenTurn();
  const response = await send(method, path, {
    method, body, headers: { ...authorization(), ...headers }, signal: AbortSignal.timeout(timeoutMs),
    cache: 'no-store', credentials: 'omit', redirect: 'error',
  });
  if (!response.ok) throw Object.assign(await refusal(response), { turn });
  try {
    return { status: response.status, headers: response.headers, body: await read(response) };
  } catch (error) {
    throw lost(method, error);
  }
}

async function send(method, path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    throw lost(method, error);
  }
}

// A write whose answer is lost may have happened.
function lost(method, error) {
  const late = error.name === 'TimeoutError';
  const title = late ? 'No answer in time' : 'This node does not answer';
  const outcome = WRITES.includes(method) ? 'unknown' : null;
  return new Problem(0, { title, detail: 'The connection to the node failed or took too long.', outcome });
}

async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  return new Problem(response.status, { title: `The node answered with status ${response.status}`, ...body });
}

// Numbers that JavaScript cannot hold stay as they were written, where the browser can do that.
function exact(_name, value, context) {
  const inexact = typeof value === 'number' && context && String(value) !== context.source;
  return inexact && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

async function readJson(response) {
  return JSON.parse(await response.text(), exact);
}

/** Reads an answer as text. */
export function readText(response) {
  return response.text();
}

/** Reads an answer as bytes. */
export async function readBytes(response) {
  return new Uint8Array(await response.arrayBuffer());
}

/** The body of a `GET`. */
export async function get(path, options) {
  return (await call('GET', path, options)).body;
}

/** Sends JSON; gives the answer's body. */
export async function sendJson(method, path, value) {
  const headers = { 'Content-Type': 'application/json' };
  // Changes of a group take as long as the API gives them.
  return (await call(method, path, { headers, body: JSON.stringify(value), timeoutMs: 35_000 })).body;
}
