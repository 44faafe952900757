// The cluster's health in a few words, in the bar of every view.

import { byId, setAttribute, setText } from './dom.js';
import { listen, state } from './state.js';

/** What is wrong with a cluster, as `GET /v1/cluster` gives it; nothing for one in health. Pure. */
export function troubles({ nodes, groups }) {
  const down = nodes.filter((node) => node.state === 'down').length;
  const headless = groups.filter(({ leader }) => leader === null).length;
  const full = nodes.filter((node) => node.disk_full).length;
  const told = [[down, 'down'], [headless, 'without a leader'], [full, 'with a full disk']];
  const kinds = [['node', 'nodes'], ['group', 'groups'], ['node', 'nodes']];
  return told.map(([count, what], place) => count && `${count} ${kinds[place][count === 1 ? 0 : 1]} ${what}`).filter(Boolean);
}

function text() {
  if (state.problem?.status === 0) return '▲ no answer';
  if (state.problem) return `▲ ${state.problem.title}`;
  const found = troubles(state.cluster);
  return found.length === 0 ? '✓ healthy' : `▲ ${found.join(', ')}`;
}

/** Shows it and which node this is, from the first answer on. */
export function startPill() {
  const pill = byId('pill');
  listen(['cluster', 'health'], () => {
    if (!state.cluster && !state.problem) return;
    const now = text();
    setText(pill, state.self === null ? now : `node ${state.self}: ${now}`);
    setAttribute(pill, 'data-state', now.startsWith('✓') ? 'active' : 'down');
  });
}
