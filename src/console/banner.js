// The bar over the view: whether the node that served this page answers, and where else to look when it does not.

import { byId, el } from './dom.js';
import * as format from './format.js';
import { consoleOf } from './nodes.js';
import { outcomeText } from './problem.js';
import { listen, refresh, state } from './state.js';
import { askToken } from './ask_token.js';

function others() {
  const nodes = (state.cluster?.nodes ?? []).filter((node) => node.id !== state.self && consoleOf(node));
  if (nodes.length === 0) return null;
  const links = nodes.map((node) => el('li', {}, el('a', { href: consoleOf(node) }, `node ${node.id}, ${node.http}`)));
  return el('div', {}, el('p', {}, 'The other nodes serve this page too:'), el('ul', { class: 'links' }, ...links));
}

function silent() {
  const as = state.cluster ? ` What is shown is as of ${format.clock(state.since)}.` : '';
  return [
    el('p', { class: 'problem-title' }, `▲ ${state.self === null ? 'This node' : `This node (${state.self})`} does not answer`),
    el('p', {}, `It is asked again all the time; the page goes on by itself once it answers.${as}`),
    others(),
  ];
}

function refused({ title, detail, status }) {
  const token = el('button', { type: 'button', class: 'primary', onclick: () => askToken() }, 'Enter a token');
  const again = el('button', { type: 'button', onclick: refresh }, 'Try again');
  return [
    el('p', { class: 'problem-title' }, `▲ ${title}`),
    el('p', {}, detail, ' ', outcomeText(state.problem)),
    status === 401 || status === 403 ? token : again,
  ];
}

/** Shows and hides the bar as the node's health changes. It is drawn anew only when that is another. */
export function startBanner() {
  const banner = byId('banner');
  let shown = '';
  listen(['health'], () => {
    const { problem } = state;
    const now = problem ? `${problem.status} ${problem.title} ${problem.detail}` : '';
    if (now === shown) return;
    shown = now;
    banner.hidden = problem === null;
    banner.replaceChildren(...(problem ? (problem.status === 0 ? silent() : refused(problem)).filter(Boolean) : []));
  });
}
