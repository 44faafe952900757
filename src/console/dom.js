// Elements without markup. What data says only ever becomes text here, so no key, zone or value can be code; the page's
// policy forbids everything else (require-trusted-types-for 'script').

const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes and children. A function as an attribute `onclick` listens to `click`. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for the elements of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
  return node;
}

/** Writes a text where it changed only, so that assistive technology hears of changes and nothing else. */
export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Sets a class or takes it away, and an attribute likewise. */
export function setAttribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/** The element of the page with this id, which index.html has. */
export function byId(id) {
  return document.getElementById(id);
}

let lastId = 0;

/** An id that no other element has, for labels. */
export function newId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** A form field under its label; `hint` is read with it, and what is `beside` the input stands there. */
export function field(label, input, hint = '', beside = null) {
  input.id ||= newId('field');
  const about = hint === '' ? null : el('span', { id: newId('hint'), class: 'hint' }, hint);
  if (about) input.setAttribute('aria-describedby', about.id);
  const inputs = beside ? el('div', { class: 'pair' }, input, beside) : input;
  return el('div', { class: 'field' }, el('label', { for: input.id }, label), inputs, about);
}

/** A list to choose one of: pairs of value and label. */
export function select(options, chosen, attributes = {}) {
  const nodes = options.map(([value, label]) => el('option', { value, selected: value === chosen }, label));
  return el('select', attributes, ...nodes);
}
