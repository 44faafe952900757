// Asking before a change of the cluster: the plan, a button that says what it does, then how it goes.

import { get } from './api.js';
import { buttons, form, open } from './dialog.js';
import { el, field, setText } from './dom.js';
import { problemBox } from './problem.js';
import { refresh, remember } from './state.js';

const LOOK_EVERY_MS = 500;
/** Problems in a row after which the dialog stops following an operation; it goes on all the same. */
const FAILURES_MAX = 40;

function planList(plan) {
  const items = el('ol', { class: 'plan', 'aria-live': 'polite' });
  const update = () => items.replaceChildren(...plan().map((line) => el('li', {}, line)));
  update();
  return { items, update };
}

/**
 * Opens the dialog. `plan()` gives its lines and `button()` what the button says, both for what is chosen in `node`, a
 * select or nothing; `send()` does it. Without `send` it only says why there is nothing to do.
 */
export function confirm({ title, plan, node = null, button = null, send = null, danger = false }) {
  const { items, update } = planList(plan);
  const said = el('div', { class: 'said' });
  const cancel = el('button', { type: 'button', onclick: () => dialog.close() }, send ? 'Cancel' : 'Close');
  const go = send && el('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, button());
  let followed = true;
  const submit = async () => {
    go.disabled = true;
    if (node) node.disabled = true;
    said.replaceChildren(el('p', { role: 'status' }, 'Asked; waiting for the answer…'));
    const done = await carryOut(send, said, () => followed);
    refresh();
    if (node) node.disabled = done;
    go.disabled = done;
    go.hidden = done;
    setText(cancel, 'Close');
    if (followed) cancel.focus();
  };
  node?.addEventListener('change', () => {
    update();
    setText(go, button());
  });
  const content = form(submit, node && field('Node', node), el('h3', {}, 'Plan'), items, said, buttons(cancel, go));
  const dialog = open(title, [content], { closed: () => { followed = false; } });
  (node ?? cancel).focus();
}

// Whether it was begun; what was refused may be asked for again.
async function carryOut(send, said, followed) {
  try {
    const answer = await send();
    if (answer.state) await follow(answer, said, followed);
    else said.replaceChildren(el('p', { role: 'status', class: 'good' }, '✓ Done.'));
    return true;
  } catch (problem) {
    said.replaceChildren(problemBox(problem));
    return false;
  }
}

const MARKS = { running: '…', done: '✓', failed: '▲' };

async function follow(begun, said, followed) {
  const line = el('p', { role: 'status' });
  said.replaceChildren(line);
  let [operation, failures] = [begun, 0];
  for (;;) {
    setText(line, `${MARKS[operation.state]} ${operation.kind}: ${operation.detail || operation.state}`);
    if (operation.state !== 'running') remember([`The operation ${operation.kind} is ${operation.state}.`]);
    if (operation.state !== 'running' || !followed() || failures >= FAILURES_MAX) return;
    await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
    try {
      operation = await get(`/v1/operations/${encodeURIComponent(operation.id)}`);
      failures = 0;
    } catch {
      failures += 1; // The node may be away for a moment; the operation goes on without us.
    }
  }
}
