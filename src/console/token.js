// The bearer token: kept for this tab only (sessionStorage), never in a URL, never shown again.

const PLACE = 'quorate.token';
let token = read();
let turn = 0;

function read() {
  try {
    return sessionStorage.getItem(PLACE) ?? '';
  } catch {
    return ''; // Storage may be forbidden; then it lives as long as the page.
  }
}

/** The header that proves who asks, if there is a token. */
export function authorization() {
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

/** Whether there is one. */
export function hasToken() {
  return token !== '';
}

/** Another number for each token there was, to tell whether a refusal is news. */
export function tokenTurn() {
  return turn;
}

/** Takes a token over; an empty one forgets it. */
export function setToken(text) {
  token = text.trim();
  turn += 1;
  try {
    if (token === '') sessionStorage.removeItem(PLACE);
    else sessionStorage.setItem(PLACE, token);
  } catch {
    // As above.
  }
}
