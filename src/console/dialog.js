// Dialogs on `<dialog>`: the browser keeps the focus inside, closes on Escape and gives the focus back to what opened it.

import { el, newId } from './dom.js';

/** Opens a dialog with a title; `close()` ends it, `closed` is called however that happens. */
export function open(title, children, { closed = () => {}, wide = false } = {}) {
  const heading = el('h2', { id: newId('dialog'), tabindex: '-1' }, title);
  const node = el('dialog', { 'aria-labelledby': heading.id, class: wide && 'wide' }, heading, ...children);
  node.addEventListener('close', () => {
    node.remove();
    closed();
  });
  document.body.append(node);
  node.showModal();
  return { node, heading, close: () => node.close() };
}

/** A row of buttons: first what leaves everything as it is, last what the dialog is for. */
export function buttons(...nodes) {
  return el('div', { class: 'buttons' }, ...nodes);
}

/** A form inside a dialog. Submitting never leaves the page: its policy has no place to submit to. */
export function form(submit, ...children) {
  const onsubmit = (event) => {
    event.preventDefault();
    submit();
  };
  return el('form', { onsubmit, novalidate: true }, ...children);
}
