// Light, dark, or as the system has it; kept in this browser.

import { byId, setAttribute, setText } from './dom.js';

const PLACE = 'quorate.theme';
const NAMES = { system: 'System', light: 'Light', dark: 'Dark' };

function kept() {
  try {
    return localStorage.getItem(PLACE) ?? 'system';
  } catch {
    return 'system';
  }
}

function show(theme) {
  setAttribute(document.documentElement, 'data-theme', theme === 'system' ? null : theme);
  setText(byId('theme'), `Theme: ${NAMES[theme]}`);
}

/** Shows the theme that was kept, and lets the button go on to the next. */
export function startTheme() {
  let theme = kept() in NAMES ? kept() : 'system';
  show(theme);
  byId('theme').addEventListener('click', () => {
    const order = Object.keys(NAMES);
    theme = order[(order.indexOf(theme) + 1) % order.length];
    show(theme);
    try {
      localStorage.setItem(PLACE, theme);
    } catch {
      // Then it holds for this page.
    }
  });
}
