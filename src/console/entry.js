// One entry in a dialog: look, change, delete. A change says which version it replaces, so nobody's work is overwritten
// unseen; bytes go through the raw view, so they come back exactly as they were.

import { call, Problem, readBytes } from './api.js';
import { buttons, form, open } from './dialog.js';
import { el, field, setText } from './dom.js';
import * as format from './format.js';
import { problemBox } from './problem.js';
import { refresh } from './state.js';
import { expiryField, valueField } from './fields.js';
import { keyBytes, keyText, rawPath } from './value.js';

const COUNT_EVERY_MS = 1000;

async function read(path) {
  const { headers, body } = await call('GET', path, { read: readBytes });
  const age = /max-age=(\d+)/.exec(headers.get('Cache-Control') ?? '');
  return {
    bytes: body,
    mediaType: headers.get('Content-Type') ?? 'application/octet-stream',
    tag: headers.get('ETag'),
    group: headers.get('X-Quorate-Group'),
    endsMs: age ? Date.now() + Number(age[1]) * 1000 : null,
  };
}

function facts(entry) {
  const expires = el('dd');
  const count = () => setText(expires, entry.endsMs === null ? 'never' : format.left(entry.endsMs - Date.now()));
  count();
  const fact = (name, value) => el('div', {}, el('dt', {}, name), value instanceof Node ? value : el('dd', {}, value));
  const node = el('dl', { class: 'facts' },
    fact('Version', entry.tag.replaceAll('"', '')), fact('Group', entry.group), fact('Expires in', expires),
    fact('Size', format.bytes(entry.bytes.length)), fact('Media type', entry.mediaType));
  return { node, count };
}

// What all three dialogs have: a place for problems, and one way to carry a call out.
function attempt(said, button, send, done) {
  return async () => {
    button.disabled = true;
    said.replaceChildren();
    try {
      done(await send());
      refresh();
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(0, { title: 'This cannot be sent', detail: error.message });
      said.replaceChildren(problemBox(problem));
    }
    button.disabled = false;
  };
}

function put(path, condition, value, expiry) {
  const { bytes, mediaType } = value.read();
  const query = expiry.read();
  return call('PUT', `${path}${query}`, { headers: { ...condition, 'Content-Type': mediaType }, body: bytes });
}

/** Asks for a new key; `changed()` is called when it is there. */
export function newEntry(namespace, prefix, changed) {
  const key = el('input', { type: 'text', value: prefix, autocomplete: 'off', spellcheck: 'false' });
  const [value, expiry, said] = [valueField(), expiryField(null), el('div')];
  const save = el('button', { type: 'submit', class: 'primary' }, 'Create');
  const send = () => put(rawPath(namespace, keyBytes({ key: key.value })), { 'If-None-Match': '*' }, value, expiry);
  const submit = attempt(said, save, send, () => {
    dialog.close();
    changed();
  });
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const dialog = open(`New key in ${namespace}`,
    [form(submit, field('Key', key), value.node, expiry.node, said, buttons(cancel, save))], { wide: true });
  key.focus();
}

/** Shows an entry that a scan found. */
export function editEntry(namespace, row, changed) {
  const content = el('div', {}, el('p', { role: 'status' }, 'Reading…'));
  let timer = null;
  const dialog = open(keyText(row), [content], { wide: true, closed: () => clearInterval(timer) });
  const load = async () => {
    try {
      const path = rawPath(namespace, keyBytes(row));
      const entry = await read(path);
      const shown = facts(entry);
      clearInterval(timer);
      timer = setInterval(shown.count, COUNT_EVERY_MS);
      content.replaceChildren(shown.node, editor(path, entry, row, { dialog, changed, load }));
      dialog.heading.focus();
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(0, { title: 'This cannot be read', detail: error.message });
      const close = el('button', { type: 'button', onclick: () => dialog.close() }, 'Close');
      content.replaceChildren(problemBox(problem, load), buttons(close));
    }
  };
  load();
}

function editor(path, entry, row, { dialog, changed, load }) {
  const [value, expiry, said] = [valueField(entry), expiryField(entry.endsMs), el('div')];
  const condition = { 'If-Match': entry.tag };
  const save = el('button', { type: 'submit', class: 'primary', disabled: value.readOnly }, 'Save');
  const saved = () => {
    changed();
    load();
  };
  const remove = el('button', { type: 'button', class: 'danger' }, 'Delete…');
  remove.addEventListener('click', () => askToDelete(path, condition, row, () => {
    dialog.close();
    changed();
  }));
  const reload = el('button', { type: 'button', onclick: load }, 'Read again');
  const close = el('button', { type: 'button', onclick: () => dialog.close() }, 'Close');
  return form(attempt(said, save, () => put(path, condition, value, expiry), saved),
    value.node, expiry.node, said, buttons(close, reload, remove, save));
}

function askToDelete(path, condition, row, done) {
  const said = el('div');
  const go = el('button', { type: 'submit', class: 'danger' }, 'Delete the key');
  const submit = attempt(said, go, () => call('DELETE', path, { headers: condition }), () => {
    dialog.close();
    done();
  });
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const version = condition['If-Match'].replaceAll('"', '');
  const dialog = open('Delete this key?', [form(submit,
    el('p', {}, 'The key ', el('code', {}, keyText(row)), ` and its value are deleted, if it still has version ${version}.`),
    said, buttons(cancel, go))]);
  cancel.focus();
}
