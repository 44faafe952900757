// Problems as the API states them: title, detail, what became of the write, and whether to try again.

import { el } from './dom.js';

const OUTCOMES = {
  not_applied: 'Nothing was changed. It is safe to try again.',
  unknown: 'It may have happened all the same. Look before you try again.',
};

/** A sentence on what became of the write; empty for reads. */
export function outcomeText(problem) {
  return OUTCOMES[problem.outcome] ?? '';
}

function facts(problem) {
  const wait = problem.retryAfterMs === null ? '' : `try again after ${problem.retryAfterMs} ms`;
  const status = problem.status === 0 ? '' : `status ${problem.status}`;
  return [problem.name, status, wait, problem.requestId && `request ${problem.requestId}`].filter(Boolean).join(' · ');
}

/** A box that is read out at once; `retry`, if given, is what its button does. */
export function problemBox(problem, retry = null) {
  const again = retry && el('button', { type: 'button', onclick: retry }, 'Try again');
  const outcome = outcomeText(problem);
  return el('div', { class: 'problem', role: 'alert' },
    el('p', { class: 'problem-title' }, el('span', { 'aria-hidden': 'true' }, '▲ '), problem.title),
    problem.detail && el('p', {}, problem.detail),
    outcome && el('p', { class: 'outcome' }, outcome),
    el('p', { class: 'hint' }, facts(problem)),
    again);
}
