// The series behind the charts: what the readings of a node's metrics and of the cluster say, kept for five minutes.

import { between, buckets, grown, parse, quantile, sum, together } from './metrics.js';

/** Points kept of each series. */
const POINTS_MAX = 240;
/** Operations that clients ask for; the console's own polls are others. */
const DATA = ['read', 'write', 'delete', 'batch'];

const ofClients = ({ operation }) => DATA.includes(operation);
const failed = ({ class: status }) => status === '5xx';
const isHit = ({ found }) => found === 'hit';

/** What one reading of `/metrics` says in sums. */
export function reading(text, atMs) {
  const families = parse(text);
  const requests = 'quorate_http_requests_total';
  return {
    atMs,
    http: sum(families, requests, ofClients),
    resp: sum(families, 'quorate_resp_commands_total'),
    errors: sum(families, requests, (labels) => ofClients(labels) && failed(labels)),
    hits: sum(families, 'quorate_reads_total', isHit),
    reads: sum(families, 'quorate_reads_total'),
    latency: together(
      buckets(families, 'quorate_http_request_seconds', ofClients),
      buckets(families, 'quorate_resp_command_seconds'),
    ),
  };
}

/** What happened between two readings: rates in 1/s, latencies in s, a hit rate from 0 to 1; `null` where nothing was. */
export function rates(before, now) {
  const seconds = (now.atMs - before.atMs) / 1000;
  const per = (name) => grown(before[name], now[name]) / seconds;
  const reads = grown(before.reads, now.reads);
  const came = between(before.latency, now.latency);
  return {
    http: per('http'),
    resp: per('resp'),
    errors: per('errors'),
    hitRate: reads === 0 ? null : grown(before.hits, now.hits) / reads,
    p50: quantile(came, 0.5),
    p99: quantile(came, 0.99),
  };
}

/** Points over time, the oldest forgotten. */
export class Series {
  points = [];

  add(atMs, value) {
    this.points.push({ atMs, value });
    if (this.points.length > POINTS_MAX) this.points.shift();
  }

  /** Values that are there. */
  values() {
    return this.points.map(({ value }) => value).filter((value) => value !== null);
  }
}

/** Turns readings into series by name. A gap in the readings is a gap in each. */
export class Recorder {
  #before = null;
  series = new Map();

  /** The series of this name, made when first asked for. */
  of(name) {
    if (!this.series.has(name)) this.series.set(name, new Series());
    return this.series.get(name);
  }

  /** Takes a reading of `/metrics`. */
  read(text, atMs) {
    const now = reading(text, atMs);
    if (this.#before && atMs > this.#before.atMs) {
      for (const [name, value] of Object.entries(rates(this.#before, now))) this.of(name).add(atMs, value);
    }
    this.#before = now;
  }

  /** Takes a value that is known as it is. */
  note(name, value, atMs) {
    this.of(name).add(atMs, value);
  }

  /** The node could not be asked. */
  gap(atMs) {
    this.#before = null;
    for (const series of this.series.values()) if (series.points.at(-1)?.value !== null) series.add(atMs, null);
  }
}
