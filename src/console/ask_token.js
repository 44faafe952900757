// Asking for the bearer token, when the node wants one or somebody wants to use another.

import { buttons, form, open } from './dialog.js';
import { el, field } from './dom.js';
import { refresh } from './state.js';
import { hasToken, setToken } from './token.js';

let current = null;

/** Opens the dialog, unless it is open. */
export function askToken(why = '') {
  if (current) return;
  const input = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false' });
  const use = (token) => {
    setToken(token);
    // At once, and not when the browser tells that it is closed: the node may refuse this token before that.
    current = null;
    dialog.close();
    refresh();
  };
  const hint = 'Kept for this tab only and sent to this node only. It is forgotten when the tab is closed.';
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const forget = hasToken() ? el('button', { type: 'button', onclick: () => use('') }, 'Forget it') : null;
  const save = el('button', { type: 'submit', class: 'primary' }, 'Use this token');
  const dialog = open('Token', [form(() => use(input.value),
    why && el('p', {}, why), field('Bearer token', input, hint), buttons(cancel, forget, save))],
  { closed: () => { if (current === dialog) current = null; } });
  current = dialog;
  input.focus();
}
