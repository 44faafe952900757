// The page's pure modules, by value: run inside the page, as an async function's body. Throws what does not hold.

const same = (found, wanted, what) => {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left}, wanted ${right}`);
};
const throws = (call, what) => {
  try {
    call();
  } catch {
    return;
  }
  throw new Error(`${what}: nothing was thrown`);
};
const module = (name) => import(`/console/${name}.js`);

const format = await module('format');
same([0, 1023, 1024, 1536, 5 * 2 ** 30].map(format.bytes), ['0 B', '1023 B', '1 KiB', '1.50 KiB', '5 GiB'], 'bytes');
same([null, 0, 1, 1500, 60_000, 120_000, 7_200_000].map(format.left),
  ['never', 'expired', '1 s', '2 s', '60 s', '2 min', '2 h'], 'left');
same([0, 0.0001, 0.5, 1].map(format.percent), ['0 %', '< 0.1 %', '50.0 %', '100 %'], 'percent');
same([0.00025, 0.0015, 2].map(format.latency), ['250 µs', '1.50 ms', '2 s'], 'latency');

const metrics = await module('metrics');
const text = '# HELP a b\na_total{x="1",le="a\\"b"} 3\na_total{x="2"} 4\nh_bucket{le="0.1"} 50\nh_bucket{le="0.2"} 100\n'
  + 'h_bucket{le="+Inf"} 100\nplain 7\n';
const families = metrics.parse(text);
same([metrics.sum(families, 'a_total'), metrics.sum(families, 'a_total', ({ x }) => x === '2'), metrics.sum(families, 'plain')],
  [7, 4, 7], 'sum');
const none = metrics.buckets(new Map(), 'h');
const came = metrics.between(none, metrics.buckets(families, 'h'));
same([0.25, 0.5, 0.75, 1].map((part) => Number(metrics.quantile(came, part).toFixed(3))), [0.05, 0.1, 0.15, 0.2], 'quantile');
same(metrics.quantile(none, 0.5), null, 'quantile of nothing');
same(metrics.quantile(new Map([[0.1, 0], [Infinity, 4]]), 0.5), 0.1, 'quantile past the last bound');
same([metrics.grown(5, 9), metrics.grown(9, 5)], [4, 5], 'a counter that began again');

const samples = await module('samples');
const read = (hits, misses, atMs) => samples.reading(
  `quorate_reads_total{found="hit"} ${hits}\nquorate_reads_total{found="miss"} ${misses}\n`
  + `quorate_http_requests_total{operation="read",class="2xx"} ${hits}\n`
  + `quorate_http_requests_total{operation="metrics",class="2xx"} ${atMs}\n`, atMs);
const rates = samples.rates(read(0, 0, 0), read(30, 10, 2000));
same([rates.http, rates.hitRate, rates.p50], [15, 0.75, null], 'rates');
same(samples.rates(read(3, 0, 0), read(3, 0, 2000)).hitRate, null, 'no reads have no hit rate');

const value = await module('value');
const odd = Uint8Array.of(0, 255, 10, 128);
for (const kind of ['base64', 'hex']) same([...value.toBytes(kind, value.toText(kind, odd))], [...odd], kind);
throws(() => value.toText('text', odd), 'bytes that are no text');
throws(() => value.toText('text', value.toBytes('text', 'a\r\nb')), 'line ends that would be lost');
throws(() => value.toBytes('hex', 'abc'), 'half a byte');
throws(() => value.toBytes('base64', '?'), 'no base64');
same(value.toText('text', value.toBytes('text', '\ufeffä\u0000')), '\ufeffä\u0000', 'text keeps its mark');
const path = (key) => value.rawPath('default', value.keyBytes(key));
same(path({ key: 'a/../b c?#%é' }), '/v1/raw/default/a%2f..%2fb%20c%3f%23%25%c3%a9', 'a path');
same(path({ key_b64: '/wA=' }), '/v1/raw/default/%ff%00', 'a path of bytes');
throws(() => path({ key: '..' }), 'a key that a browser would take for a way up');

const { changes } = await module('changes');
const group = (leader) => ({ id: 1, leader, voters: [1, 2] });
const node = (state) => ({ id: 2, state });
const cluster = (leader, state) => ({ epoch: 1, nodes: [node(state)], groups: [group(leader)] });
same(changes(cluster(2, 'active'), cluster(null, 'down')), ['Node 2 does not answer.', 'Group 1 has no leader.'], 'a loss');
same(changes(cluster(null, 'down'), cluster(1, 'active')), ['Node 2 answers again.', 'Node 1 leads group 1 now; it had none.'], 'a return');
same(changes(cluster(1, 'active'), cluster(1, 'active')), [], 'nothing');

const { troubles } = await module('pill');
same(troubles({ nodes: [node('active')], groups: [group(1)] }), [], 'in health');
same(troubles({ nodes: [node('down'), node('down')], groups: [group(null)] }), ['2 nodes down', '1 group without a leader'], 'ill');

const { runs } = await module('slots');
same(runs({ first: 250, last: 770, group: 3 }).map(({ x, y, width }) => [x, y, width]),
  [[250, 0, 6], [0, 1, 256], [0, 2, 256], [0, 3, 3]], 'runs of slots');
const { path: line, roundUp, roundUpBytes } = await module('chart');
same([0, 0.3, 1, 1.5, 21].map(roundUp), [1, 0.5, 1, 2, 50], 'axes');
same([roundUpBytes(1500), roundUpBytes(3 * 2 ** 20)], [2048, 5 * 2 ** 20], 'axes of bytes');
same(line([{ atMs: 0, value: 1 }, { atMs: 1000, value: null }, { atMs: 2000, value: 2 }, { atMs: 60_000, value: 2 }], 60_000, 2, 60_000)
  .match(/M/g).length, 3, 'gaps are not drawn over');
