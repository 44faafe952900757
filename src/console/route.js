// Which view is shown: the part of the address behind `#`. A view's heading takes the focus when one goes there, so that
// keyboard and screen reader arrive with the eye.

import { byId, setAttribute } from './dom.js';

const VIEWS = ['overview', 'groups', 'slots', 'keys', 'operations'];

/** The view and what it shows, such as `['groups', '2']`. */
export function current() {
  const [view, what = ''] = location.hash.replace(/^#\/?/, '').split('/');
  return VIEWS.includes(view) ? [view, what] : ['overview', ''];
}

function show(moved, changed) {
  const [view, what] = current();
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  for (const link of document.querySelectorAll('nav a')) {
    setAttribute(link, 'aria-current', link.getAttribute('href') === `#/${view}` ? 'page' : null);
  }
  const heading = byId(`view-${view}`).querySelector('h1');
  document.title = `${heading.textContent} · Quorate`;
  changed(view, what);
  if (moved && what === '') heading.focus({ preventScroll: true });
  if (moved && what === '') window.scrollTo(0, 0);
}

/** Shows the view of the address, now and whenever that changes; then calls `changed(view, what)`. */
export function startRoute(changed) {
  window.addEventListener('hashchange', () => show(true, changed));
  show(false, changed);
}
