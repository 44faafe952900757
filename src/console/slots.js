// Slots: who owns which of the 16,384, as a map to look at and as a table to read. A group is chosen by its button; the map
// then shows its slots against all others, so colour is never the only way to tell groups apart.

import { byId, el, newId, setAttribute, setText, svg } from './dom.js';
import * as format from './format.js';
import { listen, state } from './state.js';
import { keyed, table } from './table.js';

/** Slots in a row of the map. */
const ROW = 256;
/** Colours there are; groups take turns. */
const COLOURS = 8;

/** The runs of a range of slots within the rows of the map. Pure. */
export function runs({ first, last, group }) {
  const found = [];
  for (let from = first; from <= last;) {
    const to = Math.min(last, from - (from % ROW) + ROW - 1);
    found.push({ x: from % ROW, y: Math.floor(from / ROW), width: to - from + 1, group });
    from = to + 1;
  }
  return found;
}

function drawMap(ranges, chosen) {
  const rows = Math.ceil(16_384 / ROW);
  const rects = ranges.flatMap(runs).map(({ x, y, width, group }) => svg('rect', {
    x, y, width, height: 1, class: `slot colour-${group % COLOURS}${chosen === null || chosen === group ? '' : ' other'}`,
  }));
  return svg('svg', { viewBox: `0 0 ${ROW} ${rows}`, preserveAspectRatio: 'none', class: 'slot-map', role: 'img',
    'aria-label': 'Map of all slots by group; a table below says the same' }, ...rects);
}

function groupButton(choose) {
  const text = el('span');
  const swatch = el('span', { 'aria-hidden': 'true' });
  let shown = null;
  const node = el('button', { type: 'button', class: 'chip', onclick: () => choose(shown) }, swatch, text);
  return { node, update: ({ id, slots, leader, pressed }) => {
    shown = id;
    setAttribute(swatch, 'class', `swatch colour-${id % COLOURS}`);
    setText(text, `Group ${id}: ${format.count(slots)} slots, ${leader === null ? 'no leader' : `node ${leader}`}`);
    setAttribute(node, 'aria-pressed', pressed);
  } };
}

const COLUMNS = [
  { title: 'First slot', header: true, number: true, text: ({ first }) => first },
  { title: 'Last slot', number: true, text: ({ last }) => last },
  { title: 'Slots', number: true, text: ({ first, last }) => format.count(last - first + 1) },
  { title: 'Group', number: true, text: ({ group }) => group },
  { title: 'Leader', text: ({ leader }) => (leader === null ? '▲ none' : `node ${leader}`) },
];

/** Fills the view. */
export function startSlots() {
  let [chosen, drawn] = [null, ''];
  const map = el('div', { class: 'slot-frame' });
  const chips = el('div', { class: 'chips', role: 'group', 'aria-labelledby': newId('chips') });
  const heading = el('h2', { id: chips.getAttribute('aria-labelledby') }, 'Groups');
  const ranges = table({ caption: 'Ranges of slots', columns: COLUMNS, keyOf: ({ first }) => first });
  const details = el('details', { ontoggle: () => update() }, el('summary', {}, 'The same as a table'), ranges.node);
  const buttons = keyed(chips, ({ id }) => id, () => groupButton((id) => {
    chosen = chosen === id ? null : id;
    update();
  }));
  const update = () => {
    const { slots, groups } = state.cluster;
    buttons(groups.filter(({ id }) => id !== 0).map((group) => ({ ...group, pressed: group.id === chosen })));
    const leaders = new Map(groups.map(({ id, leader }) => [id, leader]));
    const wanted = slots.filter(({ group }) => details.open && (chosen === null || group === chosen));
    ranges.update(wanted.map((range) => ({ ...range, leader: leaders.get(range.group) ?? null })));
    const now = JSON.stringify([slots, chosen]);
    if (now !== drawn) map.replaceChildren(drawMap(slots, chosen));
    drawn = now;
  };
  listen(['cluster'], update);
  byId('view-slots').append(
    el('p', { class: 'hint' }, 'A key’s slot is CRC16 of the key, or of its {hash tag}. Slots run from left to right, 256 in a row.'),
    heading, chips, map, details);
}
