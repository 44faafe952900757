// Keys: a namespace's keys by prefix, page by page, and from there a single entry.

import { get } from './api.js';
import { byId, el, field, setAttribute, setText } from './dom.js';
import { form } from './dialog.js';
import { editEntry, newEntry } from './entry.js';
import * as format from './format.js';
import { problemBox } from './problem.js';
import { table, textPart } from './table.js';
import { keyText } from './value.js';

const PAGE_KEYS = 50;
/** Characters of a value in the list. */
const PREVIEW_CHARS = 80;
const COUNT_EVERY_MS = 1000;

function preview({ value, value_b64: encoded }) {
  const text = encoded === undefined ? (typeof value === 'string' ? value : JSON.stringify(value)) : `base64:${encoded}`;
  return text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text;
}

function kind({ value, value_b64: encoded }) {
  if (encoded !== undefined) return 'bytes';
  return typeof value === 'string' ? 'text' : 'JSON';
}

const leftMs = ({ expires_in_ms: ms, readMs }) => (ms === null ? null : Math.max(0, ms - (Date.now() - readMs)));

function keyPart(changed) {
  const node = el('button', { type: 'button', class: 'link key-name' });
  let row = null;
  node.addEventListener('click', () => editEntry(row.namespace, row, changed));
  return { node, update: (item) => {
    row = item;
    setText(node, keyText(item));
    setAttribute(node, 'aria-haspopup', 'dialog');
  } };
}

const columns = (changed) => [
  { title: 'Key', header: true, make: () => keyPart(changed) },
  { title: 'Kind', text: kind },
  { title: 'Value', make: () => textPart(preview, { class: 'preview' }) },
  { title: 'Version', number: true, text: ({ version }) => version },
  { title: 'Expires in', number: true, text: (item) => format.left(leftMs(item)) },
  { title: 'Changed', number: true, text: (item) => format.moment(item.modified_ms) },
];

async function page(namespace, prefix, cursor) {
  const query = new URLSearchParams({ prefix, limit: PAGE_KEYS, ...(cursor && { cursor }) });
  const body = await get(`/v1/kv/${encodeURIComponent(namespace)}?${query}`);
  const readMs = Date.now();
  return { rows: body.entries.map((entry) => ({ ...entry, namespace, readMs })), cursor: body.cursor };
}

/** The list: what was asked for and what has come of it. */
class Browser {
  rows = [];
  cursor = null;
  asked = 0;

  constructor(show) {
    this.show = show;
  }

  /** Begins again with the first page. */
  async begin(namespace, prefix) {
    Object.assign(this, { namespace, prefix, cursor: null });
    await this.more([]);
  }

  /**
   * Adds the next page to those `before`. They are shown until it is there, so rows that stay keep the focus. An answer to
   * an older question is thrown away.
   */
  async more(before = this.rows) {
    const turn = this.asked += 1;
    this.show({ busy: true });
    try {
      const { rows, cursor } = await page(this.namespace, this.prefix, this.cursor);
      if (turn !== this.asked) return;
      Object.assign(this, { rows: [...before, ...rows], cursor });
      this.show({});
    } catch (problem) {
      if (turn !== this.asked) return;
      this.rows = before;
      this.show({ problem });
    }
  }
}

/** Fills the view. Nothing is asked for until somebody does. */
export function startKeys() {
  const namespace = el('input', { type: 'text', value: 'default', required: true, autocomplete: 'off', spellcheck: 'false' });
  const prefix = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
  const status = el('p', { class: 'hint', role: 'status' }, 'Scan for the keys with a prefix, where none means all, or open one key by its whole name.');
  const trouble = el('div');
  const more = el('button', { type: 'button', hidden: true, onclick: () => browser.more() }, `Next ${PAGE_KEYS} keys`);
  const scan = () => browser.begin(namespace.value, prefix.value);
  const list = table({ caption: 'Keys', columns: columns(scan), keyOf: keyText, empty: '' });
  const browser = new Browser(({ busy, problem }) => {
    list.update(browser.rows);
    more.hidden = browser.cursor === null;
    more.disabled = Boolean(busy);
    trouble.replaceChildren(...(problem ? [problemBox(problem, () => browser.more())] : []));
    const found = browser.rows.length === 1 ? '1 key' : `${format.count(browser.rows.length)} keys`;
    setText(status, busy ? 'Scanning…' : `${found}${browser.cursor === null ? ', all there are.' : ' so far; there are more.'}`);
    if (problem) setText(status, 'The scan failed.');
  });
  const fields = form(scan, el('div', { class: 'row' }, field('Namespace', namespace), field('Key or prefix', prefix),
    el('button', { type: 'submit', class: 'primary' }, 'Scan'),
    el('button', { type: 'button', onclick: () => editEntry(namespace.value, { key: prefix.value }, scan) }, 'Open this key'),
    el('button', { type: 'button', onclick: () => newEntry(namespace.value, prefix.value, scan) }, 'New key…')));
  fields.setAttribute('role', 'search');
  byId('view-keys').append(fields, status, trouble, list.node, more);
  setInterval(() => byId('view-keys').hidden || list.update(browser.rows), COUNT_EVERY_MS);
}
