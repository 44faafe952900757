// Prometheus's text format, and what two readings of it say about the time between them. All pure.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Every sample of a text, by metric name: lists of `{ labels, value }`. */
export function parse(text) {
  const families = new Map();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = (line.startsWith('#') ? null : SAMPLE.exec(line)) ?? [];
    if (name === undefined) continue;
    if (!families.has(name)) families.set(name, []);
    const pairs = [...labels.matchAll(LABEL)].map(([, key, quoted]) => [key, quoted]);
    families.get(name).push({ labels: Object.fromEntries(pairs), value: number(value) });
  }
  return families;
}

function number(text) {
  return text === '+Inf' ? Infinity : Number(text);
}

/** The sum of a metric's samples whose labels `keep` takes. */
export function sum(families, name, keep = () => true) {
  const samples = families.get(name) ?? [];
  return samples.filter(({ labels }) => keep(labels)).reduce((total, { value }) => total + value, 0);
}

/** How much a counter grew; one that fell began again, with its process. */
export function grown(before, now) {
  return now >= before ? now - before : now;
}

/** A histogram as observations at or below each bound, all label sets taken together: a map of bound to count. */
export function buckets(families, name, keep = () => true) {
  const below = new Map();
  for (const { labels, value } of families.get(`${name}_bucket`) ?? []) {
    const bound = number(labels.le);
    if (keep(labels)) below.set(bound, (below.get(bound) ?? 0) + value);
  }
  return below;
}

/** What came to a histogram between two readings; histograms given together count as one, if their bounds are the same. */
export function between(before, now) {
  return new Map([...now].map(([bound, count]) => [bound, grown(before.get(bound) ?? 0, count)]));
}

/** Adds histograms of the same bounds. */
export function together(first, second) {
  const bounds = new Set([...first.keys(), ...second.keys()]);
  return new Map([...bounds].map((bound) => [bound, (first.get(bound) ?? 0) + (second.get(bound) ?? 0)]));
}

/** A quantile by linear interpolation within its bucket, as Prometheus's histogram_quantile has it; `null`: nothing came. */
export function quantile(below, fraction) {
  const sorted = [...below].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const wanted = fraction * total;
  const place = sorted.findIndex(([, count]) => count >= wanted);
  const [lower, under] = place === 0 ? [0, 0] : sorted[place - 1];
  const [upper, count] = sorted[place];
  return upper === Infinity ? lower : lower + ((upper - lower) * (wanted - under)) / (count - under);
}
