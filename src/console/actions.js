// Changes of members, leaders and snapshots. Each says its plan first, asks, then shows how it goes.

import { sendJson } from './api.js';
import { confirm } from './confirm.js';
import { el, select } from './dom.js';
import { groupName, list } from './format.js';
import { state } from './state.js';

const answers = (id) => state.cluster.nodes.some((node) => node.id === id && node.state !== 'down');
const nodeOptions = (ids) => ids.map((id) => [String(id), answers(id) ? `node ${id}` : `node ${id} (does not answer)`]);
const majority = (voters) => Math.floor(voters / 2) + 1;

function quorumLine(before, after) {
  const spare = after - majority(after);
  return `A quorum is ${majority(after)} of ${after} voters afterwards (now ${majority(before)} of ${before}); ` +
    `${spare === 0 ? 'no voter' : `${spare} of them`} may fail without the group stopping.`;
}

function otherNodes({ voters }) {
  return state.cluster.nodes.map(({ id }) => id).filter((id) => !voters.includes(id));
}

const ADD_VOTER = {
  label: 'Add voter…', button: (node) => `Add node ${node}`, choose: otherNodes, none: 'Every node is a voter already.',
  plan: (group, node) => [
    `Node ${node} becomes a learner of ${groupName(group.id)} and receives its snapshot and log.`,
    'Once it has caught up it is made a voter.',
    quorumLine(group.voters.length, group.voters.length + 1),
  ],
  send: (group, node) => sendJson('POST', `/v1/cluster/groups/${group.id}/voters`, { node }),
};

const REMOVE_VOTER = {
  label: 'Remove voter…', button: (node) => `Remove node ${node}`, choose: ({ voters }) => voters, danger: true,
  plan: (group, node) => [
    `Node ${node} stops being a voter of ${groupName(group.id)}. It gives the space of its replica back.`,
    node === group.leader ? 'It leads the group now, so another voter will lead.' : `Node ${group.leader ?? '?'} goes on leading.`,
    quorumLine(group.voters.length, group.voters.length - 1),
    'It is refused when too few healthy voters would be left.',
  ],
  send: (group, node) => sendJson('DELETE', `/v1/cluster/groups/${group.id}/voters/${node}`),
};

const TRANSFER = {
  label: 'Transfer leader…', button: (node) => `Let node ${node} lead`, none: 'There is no other voter.',
  choose: ({ voters, leader }) => voters.filter((id) => id !== leader),
  plan: (group, node) => [
    `Node ${node} takes over the lead of ${groupName(group.id)}` + (group.leader === null ? '.' : ` from node ${group.leader}.`),
    'Writes wait for the moment that takes; nothing is lost.',
  ],
  send: (group, node) => sendJson('PUT', `/v1/cluster/groups/${group.id}/leader`, { node }),
};

const SNAPSHOT = {
  label: 'Take snapshot…', button: () => 'Take the snapshot',
  plan: (group) => [
    `The leader of ${groupName(group.id)} writes its state to disk now and may drop the log behind it.`,
    'Clients are served meanwhile.',
  ],
  send: (group) => sendJson('POST', `/v1/cluster/groups/${group.id}/snapshot`),
};

function ask(action, group) {
  const title = `${action.label.replace('…', '')}: ${groupName(group.id)}`;
  const ids = action.choose ? action.choose(group) : [];
  if (action.choose && ids.length === 0) return confirm({ title, plan: () => [action.none ?? 'There is nobody to choose.'] });
  const node = action.choose ? select(nodeOptions(ids), String(ids.find(answers) ?? ids[0])) : null;
  const chosen = () => (node ? Number(node.value) : null);
  return confirm({
    title, node, danger: action.danger,
    plan: () => action.plan(group, chosen()),
    button: () => action.button(chosen()),
    send: () => action.send(group, chosen()),
  });
}

/** The buttons of a group; `group()` gives it as it is when one is pressed. */
export function groupActions(group) {
  const button = (action) => el('button', { type: 'button', onclick: () => group() && ask(action, group()) }, action.label);
  return el('div', { class: 'buttons', role: 'group', 'aria-label': 'Change this group' },
    ...[ADD_VOTER, REMOVE_VOTER, TRANSFER, SNAPSHOT].map(button));
}

function leavingPlan(id) {
  const voting = state.cluster.groups.filter(({ voters }) => voters.includes(id));
  const leading = voting.filter(({ leader }) => leader === id);
  const names = (groups) => list(groups.map((group) => groupName(group.id)));
  return [
    voting.length ? `Node ${id} is taken out of ${names(voting)}, one after the other.` : `Node ${id} is a voter of no group.`,
    leading.length ? `It leads ${names(leading)}: others take over.` : 'It leads no group.',
    ...new Set(voting.map(({ voters }) => quorumLine(voters.length, voters.length - 1))),
    'Then it leaves the cluster. Its id is never used again; to come back it needs a new one and an empty disk.',
  ];
}

/** Asks whether to take a node out of the cluster, and does. */
export function removeMember(id) {
  return confirm({
    title: `Remove node ${id} from the cluster`, danger: true,
    plan: () => leavingPlan(id),
    button: () => `Remove node ${id}`,
    send: () => sendJson('DELETE', `/v1/cluster/members/${id}`),
  });
}
