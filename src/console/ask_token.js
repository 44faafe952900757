// Asking for the bearer token, when the node wants one or somebody wants to use another.

import { buttons, form, open } from './dialog.js';
import { el, field } from './dom.js';
import { refresh } from './state.js';
import { hasToken, setToken } from './token.js';

let isOpen = false;

/** Opens the dialog, unless it is open. */
export function askToken(why = '') {
  if (isOpen) return;
  isOpen = true;
  const input = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false' });
  const use = (token) => {
    setToken(token);
    dialog.close();
    refresh();
  };
  const hint = 'Kept for this tab only and sent to this node only. It is forgotten when the tab is closed.';
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const forget = hasToken() ? el('button', { type: 'button', onclick: () => use('') }, 'Forget it') : null;
  const save = el('button', { type: 'submit', class: 'primary' }, 'Use this token');
  const dialog = open('Token', [form(() => use(input.value),
    why && el('p', {}, why), field('Bearer token', input, hint), buttons(cancel, forget, save))],
  { closed: () => { isOpen = false; } });
  input.focus();
}
