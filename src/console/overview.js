// Overview: how the cluster is doing, who is in it, what passes through it, and what changed lately.

import { chart, roundUpBytes } from './chart.js';
import { byId, el, setText } from './dom.js';
import * as format from './format.js';
import { nodeTable } from './nodes.js';
import { listen, state } from './state.js';
import { keyed, textPart } from './table.js';

/** How often charts are drawn at most, ms: they move although nothing is heard. */
const DRAW_EVERY_MS = 1000;

function tile(label) {
  const value = el('span', { class: 'tile-value' }, '–');
  const note = el('span', { class: 'tile-note' });
  const node = el('div', { class: 'tile' }, el('h2', {}, label), value, note);
  const show = (text, ok, said) => {
    setText(value, text);
    setText(note, `${ok ? '✓' : '▲'} ${said}`);
    node.className = ok ? 'tile' : 'tile bad';
  };
  return { node, show };
}

function tiles() {
  const [nodes, groups, slots, memory] = ['Nodes', 'Groups', 'Slots', 'Memory'].map(tile);
  listen(['cluster'], () => {
    const { health, nodes: all, groups: every, slots: ranges } = state.cluster;
    const down = all.length - health.nodes_up;
    nodes.show(`${health.nodes_up}/${all.length}`, down === 0, down === 0 ? 'all answer' : `${down} not answering`);
    const led = every.length - health.groups_ok;
    groups.show(`${health.groups_ok}/${every.length}`, led === 0, led === 0 ? 'all have a leader' : `${led} without a leader`);
    const total = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const served = health.slots_served === total;
    slots.show(format.count(health.slots_served), served, served ? 'all served' : `of ${format.count(total)} served`);
    const fullest = Math.max(0, ...all.map((node) => node.memory_bytes / (node.memory_bytes_max || Infinity)));
    const used = all.reduce((sum, node) => sum + node.memory_bytes, 0);
    memory.show(format.bytes(used), fullest < 0.8, `fullest node at ${format.percent(fullest)}`);
  });
  return el('div', { class: 'tiles' }, nodes.node, groups.node, slots.node, memory.node);
}

function charts() {
  const line = (label, name) => ({ label, series: state.recorder.of(name) });
  const rate = (value) => `${format.significant(value)}/s`;
  const whole = (value) => format.count(Math.round(value));
  return [
    chart({ title: 'Requests', show: rate, lines: [line('HTTP', 'http'), line('Redis protocol', 'resp')] }),
    chart({ title: 'Latency', show: format.latency, lines: [line('p50', 'p50'), line('p99', 'p99')] }),
    chart({ title: 'Hit rate', show: format.percent, top: 1, lines: [line('hits of reads', 'hitRate')] }),
    chart({ title: 'Errors', show: rate, lines: [line('answers 5xx', 'errors')] }),
    chart({ title: 'Items, whole cluster', show: whole, lines: [line('keys', 'items')] }),
    chart({ title: 'Memory, whole cluster', show: format.bytes, round: roundUpBytes, lines: [line('all replicas', 'memory')] }),
  ];
}

function traffic() {
  const all = charts();
  const heading = el('h2', {}, 'Traffic');
  let drawnMs = 0;
  const draw = () => {
    if (Date.now() - drawnMs < DRAW_EVERY_MS || document.hidden) return;
    drawnMs = Date.now();
    for (const { update } of all) update(drawnMs);
  };
  listen(['charts', 'groups', 'cluster'], draw);
  listen(['cluster'], () => setText(heading, `Traffic of node ${state.self}`));
  const note = el('p', { class: 'hint' },
    'What clients ask this node, by its own figures; what this page asks to keep itself up to date is not counted. Other nodes’ consoles show theirs.');
  return el('section', {}, heading, note, el('div', { class: 'charts' }, ...all.map(({ node }) => node)));
}

function history() {
  const items = el('ol', { class: 'history' });
  const none = el('p', { class: 'empty' }, 'Nothing changed since this page was opened.');
  const make = () => {
    const time = textPart(({ atMs }) => format.clock(atMs), {}, 'time');
    const text = textPart((item) => item.text);
    return { node: el('li', {}, time.node, text.node), update: (item) => [time, text].forEach((part) => part.update(item)) };
  };
  const update = keyed(items, (item) => item, make);
  listen(['history'], () => {
    update(state.history);
    none.hidden = state.history.length > 0;
  });
  return el('section', {}, el('h2', {}, 'Lately'), none, items);
}

/** Fills the view. */
export function startOverview() {
  const id = el('p', { class: 'hint' });
  listen(['cluster'], () => setText(id, `Cluster ${state.cluster.cluster_id}, slot table of epoch ${state.cluster.epoch}`));
  byId('view-overview').append(id, tiles(), nodeTable(), traffic(), history());
}
