// The console: starts everything. It uses nothing but the public HTTP API of the node that served it.

import { askToken } from './ask_token.js';
import { startBanner } from './banner.js';
import { byId, setText } from './dom.js';
import { startGroups } from './groups.js';
import { startKeys } from './keys.js';
import { startOperations } from './operations.js';
import { startOverview } from './overview.js';
import { startPill } from './pill.js';
import { startRoute } from './route.js';
import { startSlots } from './slots.js';
import { listen, refresh, state } from './state.js';
import { startTheme } from './theme.js';
import { hasToken, tokenTurn } from './token.js';

/** Sentences read out at once; more would talk over each other. */
const SPOKEN_MAX = 3;

// Reads out what happened since the last time.
function startAnnouncer() {
  let spokenMs = 0;
  listen(['history'], () => {
    const fresh = state.history.filter(({ atMs }) => atMs > spokenMs).slice(0, SPOKEN_MAX).reverse();
    spokenMs = state.history[0]?.atMs ?? spokenMs;
    setText(byId('announcer'), fresh.map(({ text }) => text).join(' '));
  });
}

// Asks for a token once for each that was refused; whoever wants none finds the button in the bar.
function startToken() {
  byId('token').addEventListener('click', () => askToken());
  let refused = null;
  listen(['health'], () => {
    // What was asked with the token before says nothing of this one.
    if (state.problem?.status !== 401 || state.problem.turn !== tokenTurn() || refused === tokenTurn()) return;
    refused = tokenTurn();
    askToken(hasToken() ? 'The node refused that token.' : 'This node answers only those who have a token.');
  });
}

startTheme();
startPill();
startBanner();
startAnnouncer();
startToken();
startOverview();
startSlots();
startKeys();
startOperations();
const showGroup = startGroups();
startRoute((view, what) => view === 'groups' && showGroup(what));
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
refresh();
