// Tables that change in place: a row stays the same element as long as its item is there, so focus, selection and a
// screen reader's place survive every poll.

import { el, setText } from './dom.js';

/**
 * Keeps a container's children in step with items. `make(item)` gives `{ node, update(item) }`.
 * Returns `update(items)`; `keyOf` tells which item is which.
 */
export function keyed(container, keyOf, make) {
  let known = new Map();
  return (items) => {
    const next = new Map();
    for (const item of items) {
      const part = known.get(keyOf(item)) ?? make(item);
      part.update(item);
      next.set(keyOf(item), part);
    }
    for (const [key, part] of known) if (!next.has(key)) leave(part.node, container);
    [...next.values()].forEach(({ node }, place) => {
      if (container.children[place] !== node) container.insertBefore(node, container.children[place] ?? null);
    });
    known = next;
  };
}

// Whoever was on it stays in the view.
function leave(node, container) {
  const focused = node.contains(document.activeElement);
  node.remove();
  if (focused) container.closest('section')?.querySelector('h1')?.focus();
}

/** A part whose text is computed from its item. */
export function textPart(text, attributes = {}, tag = 'span') {
  const node = el(tag, attributes);
  return { node, update: (item) => setText(node, text(item)) };
}

/**
 * A table: `columns` are `{ title, text(item) }` or `{ title, make(item) }`, with `number` for figures and `header` for the
 * cell that names the row. It scrolls by itself where the page is narrow, and can be reached by keyboard for that.
 */
export function table({ caption, columns, keyOf, empty = 'Nothing to show.' }) {
  const heads = columns.map(({ title, number }) => el('th', { scope: 'col', class: number && 'number' }, title));
  const body = el('tbody');
  const none = el('p', { class: 'empty', hidden: true }, empty);
  const frame = el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': `Table: ${caption}` },
    el('table', {}, el('caption', { class: 'hidden-text' }, caption), el('thead', {}, el('tr', {}, ...heads)), body));
  const rows = keyed(body, keyOf, (item) => row(columns, item));
  const update = (items) => {
    rows(items);
    frame.hidden = items.length === 0;
    none.hidden = items.length !== 0;
  };
  return { node: el('div', {}, frame, none), update };
}

function row(columns, item) {
  const parts = columns.map(({ text, make }) => (make ? make(item) : textPart(text)));
  const cells = columns.map(({ header, number }, place) => {
    const attributes = { class: number && 'number', scope: header && 'row' };
    return el(header ? 'th' : 'td', attributes, parts[place].node);
  });
  return { node: el('tr', {}, ...cells), update: (now) => parts.forEach((part) => part.update(now)) };
}
