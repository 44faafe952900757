// What changed in the cluster between two looks at it, in sentences. Pure.

import { groupName, list } from './format.js';

/** Changes of one kind told one by one; past that they are counted. */
const TOLD_MAX = 4;

function by(items) {
  return new Map(items.map((item) => [item.id, item]));
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function nodeChange(before, now) {
  if (!before) return `Node ${now.id} is a member now.`;
  if (before.state === now.state) return null;
  if (now.state === 'down') return `Node ${now.id} does not answer.`;
  return now.state === 'active' ? `Node ${now.id} answers again.` : `Node ${now.id} is ${now.state}.`;
}

function leaderChange(before, now) {
  if (!before || before.leader === now.leader) return null;
  if (now.leader === null) return `${capital(groupName(now.id))} has no leader.`;
  const was = before.leader === null ? 'it had none' : `it was node ${before.leader}`;
  return `Node ${now.leader} leads ${groupName(now.id)} now; ${was}.`;
}

function memberChange(before, now) {
  if (!before || String(before.voters) === String(now.voters)) return null;
  return `The voters of ${groupName(now.id)} are ${list(now.voters)} now; they were ${list(before.voters)}.`;
}

function told(before, now, change, counted) {
  const known = by(before);
  const sentences = now.map((item) => change(known.get(item.id), item)).filter((sentence) => sentence !== null);
  return sentences.length > TOLD_MAX ? [`${counted} of ${sentences.length} changed.`] : sentences;
}

/** Sentences on what is different in `now`, both as `GET /v1/cluster` gives them. */
export function changes(before, now) {
  const there = by(now.nodes);
  const gone = before.nodes.filter(({ id }) => !there.has(id)).map(({ id }) => `Node ${id} left the cluster.`);
  const table = before.epoch === now.epoch ? [] : [`The slot table is of epoch ${now.epoch} now.`];
  return [
    ...told(before.nodes, now.nodes, nodeChange, 'The states of nodes'),
    ...gone,
    ...told(before.groups, now.groups, leaderChange, 'The leaders of groups'),
    ...told(before.groups, now.groups, memberChange, 'The voters of groups'),
    ...table,
  ];
}
