// Operations: changes of members that take a while, as the cluster remembers them.

import { byId, el } from './dom.js';
import * as format from './format.js';
import { listen, state } from './state.js';
import { table } from './table.js';

const MARKS = { running: '… running', done: '✓ done', failed: '▲ failed' };

function about({ group, node }) {
  const parts = [group !== null && format.groupName(group), node !== null && `node ${node}`];
  return parts.filter(Boolean).join(', ') || '–';
}

const COLUMNS = [
  { title: 'Operation', header: true, text: ({ kind }) => kind },
  { title: 'Of', text: about },
  { title: 'State', text: (operation) => MARKS[operation.state] ?? operation.state },
  { title: 'What it does, or how it ended', text: ({ detail, error }) => error?.detail ?? detail },
  { title: 'Began', number: true, text: (operation) => format.moment(operation.started_ms) },
  { title: 'Last heard of', number: true, text: (operation) => format.moment(operation.updated_ms) },
];

/** Fills the view. */
export function startOperations() {
  const operations = table({
    caption: 'Operations', columns: COLUMNS, keyOf: ({ id }) => id, empty: 'The cluster remembers no operation.',
  });
  listen(['operations'], () => operations.update(state.operations));
  byId('view-operations').append(el('p', { class: 'hint' }, 'Changes of members, newest first.'), operations.node);
}
