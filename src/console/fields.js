// The two fields of an entry that take more than an input: its value in one of several notations, and its time to live.

import { el, field, select, setText } from './dom.js';
import * as format from './format.js';
import { KINDS, kindOf, toBytes, toText } from './value.js';

/** Values up to this many bytes can be edited in the page; of longer ones the beginning is shown. */
const EDIT_BYTES_MAX = 256 << 10;
const SHOWN_BYTES = 4096;
const UNITS_MS = [['1000', 'seconds'], ['60000', 'minutes'], ['3600000', 'hours'], ['86400000', 'days']];

/**
 * A value to look at and to edit. `read()` gives its bytes and media type, or throws with what is wrong. `entry` is what was
 * read of a key, or nothing for a new one.
 */
export function valueField(entry = { bytes: new Uint8Array(), mediaType: null }) {
  const readOnly = entry.bytes.length > EDIT_BYTES_MAX;
  const bytes = readOnly ? entry.bytes.subarray(0, SHOWN_BYTES) : entry.bytes;
  let kind = readOnly ? 'hex' : firstKind(entry.mediaType ?? KINDS.text.mediaType, bytes);
  const text = el('textarea', { rows: 8, spellcheck: 'false', autocomplete: 'off', readonly: readOnly, class: 'code' });
  const kinds = select(Object.entries(KINDS).map(([name, { label }]) => [name, label]), kind);
  const trouble = el('p', { class: 'trouble', role: 'alert' });
  text.value = toText(kind, bytes);
  kinds.addEventListener('change', () => {
    try {
      text.value = toText(kinds.value, readOnly ? bytes : toBytes(kind, text.value));
      kind = kinds.value;
      setText(trouble, '');
    } catch (error) {
      kinds.value = kind;
      setText(trouble, error.message);
    }
  });
  const hint = readOnly ? `Too long to edit here: the first ${format.bytes(SHOWN_BYTES)} are shown.` : '';
  const read = () => ({ bytes: toBytes(kind, text.value), mediaType: mediaTypeFor(kind, entry.mediaType) });
  return { node: el('div', {}, field('Notation', kinds), field('Value', text, hint), trouble), read, readOnly };
}

// Base64 and hexadecimal are only ways to look at bytes: what they are stays what it was.
function mediaTypeFor(kind, before) {
  return before !== null && ['base64', 'hex'].includes(kind) ? before : KINDS[kind].mediaType;
}

function firstKind(mediaType, bytes) {
  const kind = kindOf(mediaType);
  try {
    toText(kind, bytes);
    return kind;
  } catch {
    return 'base64';
  }
}

/** A time to live. `read()` gives the query that asks for it; empty for never. */
export function expiryField(endsMs) {
  const leftS = endsMs === null ? null : Math.max(1, Math.round((endsMs - Date.now()) / 1000));
  const amount = el('input', { type: 'number', min: 1, step: 1, inputmode: 'numeric', value: leftS });
  const unit = select(UNITS_MS, '1000', { 'aria-label': 'Unit of the time to live' });
  const hint = leftS === null ? 'Left empty it never expires.' : 'What is left now. Saving counts from then; left empty it never expires.';
  const read = () => {
    if (amount.value === '' && !amount.validity.badInput) return '';
    const ms = Number(amount.value) * Number(unit.value);
    if (amount.validity.badInput || !Number.isInteger(ms) || ms < 1) throw new Error('The time to live is a whole number from 1.');
    return `?ttl=${ms}ms`;
  };
  return { node: field('Expires after', amount, hint, unit), read };
}
