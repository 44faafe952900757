// The nodes: who is a member, how each is, what it holds, and taking one out.

import { removeMember } from './actions.js';
import { el, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { listen, state } from './state.js';
import { table, textPart } from './table.js';

const MARKS = { active: '✓', alive: '✓', suspect: '◆', down: '▲' };

/** Where the console of a node is, from the address it tells clients; `null` when that is none. */
export function consoleOf(node) {
  try {
    return new URL('/console', `${location.protocol}//${node.http}`).href;
  } catch {
    return null;
  }
}

function stateOf(node) {
  const troubles = [node.disk_full && `disk: ${node.disk_full}`];
  if (node.repairing?.length) troubles.push(`repairs ${format.list(node.repairing.map(format.groupName))}`);
  return [node.state, ...troubles.filter(Boolean)].join(', ');
}

function statePart() {
  const node = el('span', { class: 'state' });
  return { node, update: (item) => {
    setText(node, `${MARKS[item.state] ?? '◆'} ${stateOf(item)}`);
    setAttribute(node, 'data-state', item.state === 'active' && item.disk_full ? 'suspect' : item.state);
  } };
}

function addressPart() {
  const node = el('a', {});
  return { node, update: (item) => {
    setText(node, item.http);
    setAttribute(node, 'href', item.id === state.self ? null : consoleOf(item));
  } };
}

/** The groups that a node leads, in words. */
function led({ id }) {
  const groups = state.cluster.groups.filter(({ leader }) => leader === id);
  return groups.length === 0 ? '–' : groups.map((group) => group.id).join(', ');
}

function roles({ id }) {
  const { groups } = state.cluster;
  const votes = groups.filter(({ voters }) => voters.includes(id)).length;
  const learns = groups.filter(({ learners }) => learners.includes(id)).length;
  return learns === 0 ? `voter of ${votes}` : `voter of ${votes}, learner of ${learns}`;
}

function memoryPart() {
  const text = textPart((node) => node.memory_bytes_max
    ? `${format.bytes(node.memory_bytes)} of ${format.bytes(node.memory_bytes_max)}` : '–');
  const fill = el('span');
  const bar = el('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
  return { node: el('span', { class: 'with-bar' }, text.node, bar), update: (node) => {
    text.update(node);
    fill.style.width = `${Math.min(100, (100 * node.memory_bytes) / (node.memory_bytes_max || Infinity))}%`;
  } };
}

function removePart() {
  const node = el('button', { type: 'button', class: 'quiet' }, 'Remove…');
  let shown = null;
  node.addEventListener('click', () => removeMember(shown));
  return { node, update: (item) => {
    shown = item.id;
    setAttribute(node, 'aria-label', `Remove node ${item.id} from the cluster…`);
  } };
}

const COLUMNS = [
  { title: 'Node', header: true, text: ({ id }) => (id === state.self ? `${id} (this one)` : id) },
  { title: 'State', make: statePart },
  { title: 'Address', make: addressPart },
  { title: 'Zone', text: ({ zone }) => zone || '–' },
  { title: 'Leads groups', text: led },
  { title: 'Roles', text: roles },
  { title: 'Memory', make: memoryPart },
  { title: 'Disk', number: true, text: (node) => format.bytes(node.disk_bytes) },
  { title: 'Disk free', number: true, text: (node) => format.bytes(node.disk_free_bytes) },
  { title: 'Version', text: ({ version }) => version || '–' },
  { title: 'Change', make: removePart },
];

/** The table of nodes with its heading. */
export function nodeTable() {
  const nodes = table({ caption: 'Nodes', columns: COLUMNS, keyOf: ({ id }) => id });
  listen(['cluster'], () => nodes.update(state.cluster.nodes));
  return el('section', {}, el('h2', {}, 'Nodes'), nodes.node);
}
