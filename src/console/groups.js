// Groups: each Raft group as its leader sees it, and one of them in full with what can be done to it.

import { groupActions } from './actions.js';
import { byId, el, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { listen, state } from './state.js';
import { table, textPart } from './table.js';

let chosen = null;

function leaderPart() {
  const node = el('span', { class: 'state' });
  return { node, update: ({ leader }) => {
    setText(node, leader === null ? '▲ none' : `node ${leader}`);
    setAttribute(node, 'data-state', leader === null ? 'down' : null);
  } };
}

function linkPart() {
  const node = el('a');
  return { node, update: ({ id }) => {
    const name = id === 0 ? '0 (meta)' : String(id);
    setText(node, name);
    setAttribute(node, 'href', `#/groups/${id}`);
    setAttribute(node, 'aria-label', `Group ${name}`);
    setAttribute(node, 'aria-current', String(id) === chosen ? 'true' : null);
  } };
}

const lagMost = ({ replicas }) => (replicas.length ? Math.max(...replicas.map(({ lag }) => lag)) : null);
const range = ({ log_first: first, log_last: last }) => `${format.count(first)} – ${format.count(last)}`;

const COLUMNS = [
  { title: 'Group', header: true, make: linkPart },
  { title: 'Leader', make: leaderPart },
  { title: 'Term', number: true, text: ({ term }) => format.count(term) },
  { title: 'Voters', text: ({ voters }) => voters.join(', ') },
  { title: 'Learners', text: ({ learners }) => learners.join(', ') || '–' },
  { title: 'Log', number: true, text: range },
  { title: 'Applied', number: true, text: ({ applied }) => format.count(applied) },
  { title: 'Most lag', number: true, text: (group) => format.count(lagMost(group)) },
  { title: 'Group time', number: true, text: (group) => format.moment(group.time_ms) },
  { title: 'Items', number: true, text: ({ items }) => format.count(items) },
  { title: 'Bytes', number: true, text: ({ bytes }) => format.bytes(bytes) },
];

const REPLICA_COLUMNS = [
  { title: 'Node', header: true, text: ({ node }) => `node ${node}` },
  { title: 'Role', text: ({ node, group }) => role(node, group) },
  { title: 'Health', text: ({ healthy }) => (healthy ? '✓ answers' : '▲ silent') },
  { title: 'In its log up to', number: true, text: ({ matched }) => format.count(matched) },
  { title: 'Lag, entries', number: true, text: ({ lag }) => format.count(lag) },
];

function role(node, group) {
  if (group.leader === node) return 'leader';
  return group.voters.includes(node) ? 'voter' : 'learner';
}

const FACTS = [
  ['Leader', ({ leader }) => (leader === null ? '▲ none' : `node ${leader}`)],
  ['Term', ({ term }) => format.count(term)],
  ['Seen by', (group) => `node ${group.seen_by}`],
  ['Slots', ({ id, slots }) => (id === 0 ? 'none: it holds the cluster’s document' : format.count(slots))],
  ['Log', range],
  ['Committed', ({ committed }) => format.count(committed)],
  ['Applied', ({ applied }) => format.count(applied)],
  ['Snapshot up to', ({ snapshot }) => format.count(snapshot)],
  ['Log bytes', (group) => format.bytes(group.log_bytes)],
  ['Group time', (group) => format.moment(group.time_ms)],
  ['Items', ({ items }) => format.count(items)],
  ['Bytes', ({ bytes }) => format.bytes(bytes)],
];

function detail() {
  const heading = el('h2', { tabindex: '-1' });
  const facts = FACTS.map(([name, text]) => [name, textPart(text, {}, 'dd')]);
  const replicas = table({
    caption: 'Replicas', columns: REPLICA_COLUMNS, keyOf: ({ node }) => node, empty: 'Only a leader knows how far they are.',
  });
  const node = el('section', { class: 'panel', hidden: true }, heading,
    groupActions(() => state.groups.find(({ id }) => String(id) === chosen)),
    el('dl', { class: 'facts' }, ...facts.map(([name, part]) => el('div', {}, el('dt', {}, name), part.node))),
    el('h3', {}, 'Replicas'), replicas.node);
  const update = (group) => {
    node.hidden = !group;
    if (!group) return;
    setText(heading, group.id === 0 ? 'Meta group (0)' : `Group ${group.id}`);
    facts.forEach(([, part]) => part.update(group));
    replicas.update(group.replicas.map((replica) => ({ ...replica, group })));
  };
  return { node, heading, update };
}

/** Fills the view; gives a function that shows the group of this number, as text. */
export function startGroups() {
  const groups = table({ caption: 'Groups', columns: COLUMNS, keyOf: ({ id }) => id, empty: 'No answer yet.' });
  const one = detail();
  const update = () => {
    groups.update(state.groups);
    // Its changes are planned by the nodes there are.
    one.update(state.cluster ? state.groups.find(({ id }) => String(id) === chosen) : undefined);
  };
  listen(['groups', 'cluster'], update);
  const hint = el('p', { class: 'hint' }, 'As each leader sees its group. Choose one to see its replicas and to change its members.');
  byId('view-groups').append(hint, groups.node, one.node);
  return (what) => {
    chosen = what === '' ? null : what;
    update();
    if (!one.node.hidden) one.heading.focus();
  };
}
