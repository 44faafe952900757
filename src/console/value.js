// Values between their bytes and the text in which a person reads and edits them. All pure; the server keeps bytes and a
// media type, and nothing is guessed beyond that.

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEX_PAIRS = /^(?:[0-9a-fA-F]{2}\s*)*$/;
/** Bytes turned into characters at once; more arguments than this overflow a call. */
const CHUNK = 8192;

/** How values are shown, by name, with the media type that a new value of this kind has. */
export const KINDS = {
  text: { label: 'Text', mediaType: 'text/plain; charset=utf-8' },
  json: { label: 'JSON', mediaType: 'application/json' },
  base64: { label: 'Bytes, as base64', mediaType: 'application/octet-stream' },
  hex: { label: 'Bytes, as hexadecimal', mediaType: 'application/octet-stream' },
};

/** The kind that suits a stored media type. */
export function kindOf(mediaType) {
  const essence = mediaType.split(';')[0].trim().toLowerCase();
  if (essence === 'application/json') return 'json';
  return essence === 'text/plain' ? 'text' : 'base64';
}

/** Bytes as text of a kind; throws where they are no text that could be edited and come back the same. */
export function toText(kind, bytes) {
  if (kind === 'base64') return encodeBase64(bytes);
  if (kind === 'hex') return [...bytes].map((byte, at) => byte.toString(16).padStart(2, '0') + (at % 16 === 15 ? '\n' : ' ')).join('').trim();
  const text = decode(bytes);
  // A text area makes one line feed of each line's end.
  if (text.includes('\r')) throw new Error('As text this would lose its carriage returns; edit it as base64 or hexadecimal.');
  return text;
}

function decode(bytes) {
  try {
    return STRICT.decode(bytes);
  } catch {
    throw new Error('These bytes are no UTF-8 text; look at them as base64 or hexadecimal.');
  }
}

/** Text of a kind as bytes; throws with what is wrong. */
export function toBytes(kind, text) {
  if (kind === 'base64') return decodeBase64(text);
  if (kind === 'hex') return decodeHex(text);
  return new TextEncoder().encode(text);
}

/** Base64 with the standard alphabet, padded. */
export function encodeBase64(bytes) {
  let characters = '';
  for (let at = 0; at < bytes.length; at += CHUNK) characters += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(characters);
}

/** Its inverse; blanks do not matter. */
export function decodeBase64(text) {
  try {
    return Uint8Array.from(atob(text.replace(/\s/g, '')), (character) => character.charCodeAt(0));
  } catch {
    throw new Error('This is no base64: its letters are A–Z, a–z, 0–9, + and /, padded with =.');
  }
}

function decodeHex(text) {
  const trimmed = text.trim();
  if (!HEX_PAIRS.test(trimmed)) throw new Error('Hexadecimal is pairs of 0–9 and a–f.');
  return Uint8Array.from(trimmed.match(/[0-9a-fA-F]{2}/g) ?? [], (pair) => parseInt(pair, 16));
}

/** A key as bytes, from what a scan says of it. */
export function keyBytes({ key, key_b64: encoded }) {
  return encoded === undefined ? new TextEncoder().encode(key) : decodeBase64(encoded);
}

/** A key for people: its text, or base64 that says so. */
export function keyText({ key, key_b64: encoded }) {
  return encoded === undefined ? key : `base64:${encoded}`;
}

/** The path of a key's bytes in the raw view. Every byte that has a meaning in a path is encoded. */
export function rawPath(namespace, bytes) {
  const plain = (byte) => /[A-Za-z0-9_~.-]/.test(String.fromCharCode(byte));
  const coded = [...bytes].map((byte) => plain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`).join('');
  if (coded === '.' || coded === '..') throw new Error('No browser can address the keys “.” and “..”; use quorate get, set and del.');
  return `/v1/raw/${encodeURIComponent(namespace)}/${coded}`;
}
