// Small line charts in SVG. Lines differ by dash and by their label as well as by colour, and every chart says in words
// what it shows.

import { el, setAttribute, setText, svg } from './dom.js';

const WIDTH = 320;
const HEIGHT = 96;
/** What a chart spans, ms: at least a minute, then all there is. */
const SPANS_MS = [60_000, 120_000, 300_000];
/** A pause between two points that is not drawn over, ms. */
const GAP_MS = 10_000;

/** The next of 1, 2 and 5 times a power of ten that is not below: axes end on round figures. Pure. */
export function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.9999);
}

/** The same for bytes, whose units are powers of 1,024. Pure. */
export function roundUpBytes(value) {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(value, 1)) / 10));
  return roundUp(value / unit) * unit;
}

/** The path of a series within the chart; a new line begins after each gap. Pure. */
export function path(points, nowMs, top, spanMs) {
  let [drawn, lastMs] = ['', null];
  for (const { atMs, value } of points.filter((point) => nowMs - point.atMs <= spanMs)) {
    if (value === null) {
      lastMs = null;
      continue;
    }
    const x = WIDTH * (1 - (nowMs - atMs) / spanMs);
    const y = HEIGHT * (1 - Math.min(value / top, 1));
    const goesOn = lastMs !== null && atMs - lastMs <= GAP_MS;
    drawn += `${goesOn ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    lastMs = atMs;
  }
  return drawn;
}

function spanOf(lines, nowMs) {
  const oldestMs = Math.min(nowMs, ...lines.map(({ series }) => series.points[0]?.atMs ?? nowMs));
  return SPANS_MS.find((span) => span >= nowMs - oldestMs) ?? SPANS_MS.at(-1);
}

/**
 * A chart of `lines`: `{ label, series }`. `show` makes a value text; the axis ends at `top`, or where `round` says for the
 * largest value.
 */
export function chart({ title, lines, show, top = null, round = roundUp }) {
  const paths = lines.map((_, place) => svg('path', { class: `line line-${place}` }));
  const drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' },
    svg('path', { class: 'grid', d: `M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}` }), ...paths);
  const [axis, began] = [el('span', { class: 'axis-top' }), el('span')];
  const figures = lines.map(() => el('output', { class: 'figure' }));
  const legend = lines.map(({ label }, place) => el('div', { class: 'legend' },
    el('span', { class: `key key-${place}`, 'aria-hidden': 'true' }), el('span', {}, label), figures[place]));
  const node = el('figure', { class: 'chart' }, el('figcaption', {}, title), ...legend,
    el('div', { class: 'plot' }, axis, drawing),
    el('div', { class: 'axis', 'aria-hidden': 'true' }, began, el('span', {}, 'now')));

  const update = (nowMs) => {
    const spanMs = spanOf(lines, nowMs);
    const high = top ?? round(Math.max(0, ...lines.flatMap(({ series }) => series.values())));
    setText(axis, show(high));
    setText(began, `${spanMs / 60_000} min ago`);
    lines.forEach(({ series }, place) => {
      paths[place].setAttribute('d', path(series.points, nowMs, high, spanMs));
      setText(figures[place], words(series.points.at(-1)?.value, show));
    });
    setAttribute(drawing, 'aria-label', `${title}, last five minutes: ${lines.map((line) => summary(line, show)).join('; ')}`);
  };
  return { node, update };
}

function words(value, show) {
  return value === null || value === undefined ? '–' : show(value);
}

function summary({ label, series }, show) {
  const values = series.values();
  if (values.length === 0) return `${label}: no figures yet`;
  return `${label} from ${show(Math.min(...values))} to ${show(Math.max(...values))}, now ${words(series.points.at(-1).value, show)}`;
}
