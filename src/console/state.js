// What the page knows of the cluster, and who wants to hear of it. Views read it and never ask for it themselves.

import { get, readText } from './api.js';
import { changes } from './changes.js';
import { Poll } from './poll.js';
import { Recorder } from './samples.js';

const CLUSTER_EVERY_MS = 1500;
const GROUPS_EVERY_MS = 2000;
const METRICS_EVERY_MS = 2000;
const OPERATIONS_EVERY_MS = 2000;
/** Changes remembered. */
const HISTORY_MAX = 50;

/** Empty until the first answer. `problem` is why the last look failed, `since` when that began, ms. */
export const state = {
  self: null, cluster: null, groups: [], operations: [], problem: null, since: null, history: [], recorder: new Recorder(),
};

const listeners = new Map();
let silent = false;

/** Calls `listener()` whenever one of these changes: `cluster`, `groups`, `operations`, `charts`, `health`, `history`. */
export function listen(names, listener) {
  for (const name of names) listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

function tell(name) {
  for (const listener of listeners.get(name) ?? []) listener();
}

/** Writes down what happened, newest first; it is read out too. */
export function remember(sentences) {
  if (sentences.length === 0) return;
  const atMs = Date.now();
  state.history = [...sentences.map((text) => ({ atMs, text })), ...state.history].slice(0, HISTORY_MAX);
  tell('history');
}

async function askCluster() {
  try {
    state.self ??= (await get('/v1/cluster/groups/0?local=true')).seen_by;
    const now = await get('/v1/cluster?timeout=6s');
    remember(state.cluster ? changes(state.cluster, now) : []);
    state.cluster = now;
    state.recorder.note('memory', now.nodes.reduce((total, node) => total + node.memory_bytes, 0), Date.now());
    healthy();
  } catch (problem) {
    failed(problem);
    throw problem;
  }
  tell('cluster');
}

function healthy() {
  answered();
  Object.assign(state, { problem: null, since: null });
  tell('health');
}

function failed(problem) {
  if (problem.status !== 0) answered();
  else if (!silent) remember(['This node does not answer.']);
  silent = problem.status === 0;
  Object.assign(state, { problem, since: state.since ?? Date.now() });
  tell('health');
}

// Be it that it is still starting.
function answered() {
  if (silent) remember(['This node answers again.']);
  silent = false;
}

async function askGroups() {
  state.groups = (await get('/v1/cluster/groups?timeout=6s')).groups;
  const data = state.groups.filter(({ id }) => id !== 0);
  state.recorder.note('items', data.reduce((total, { items }) => total + items, 0), Date.now());
  tell('groups');
}

async function askMetrics() {
  try {
    state.recorder.read(await get('/metrics', { read: readText }), Date.now());
  } catch (problem) {
    state.recorder.gap(Date.now());
    throw problem;
  } finally {
    tell('charts');
  }
}

async function askOperations() {
  state.operations = (await get('/v1/operations?timeout=6s')).operations;
  tell('operations');
}

const polls = {
  cluster: new Poll(askCluster, CLUSTER_EVERY_MS),
  groups: new Poll(askGroups, GROUPS_EVERY_MS),
  metrics: new Poll(askMetrics, METRICS_EVERY_MS),
  operations: new Poll(askOperations, OPERATIONS_EVERY_MS),
};

/** Looks at everything now: at the start, after a change, and with a new token. */
export function refresh() {
  for (const poll of Object.values(polls)) poll.now();
}
