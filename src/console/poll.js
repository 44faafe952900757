// Asks again and again at a bounded rate: the next question begins a pause after the last answer, and the pause grows with
// what the answer took, so a node with much to do is asked less. Nothing is asked while the page is hidden, nor while the
// node wants a token that we do not have.

/** Statuses that asking again does not change: the token has to. */
const WAIT_FOR_TOKEN = [401, 403];
/** A pause is at least this many times what the answer took, but no longer than this for that. */
const PAUSE_TIMES = 2;
const PAUSE_MAX_MS = 5_000;

export class Poll {
  #ask;
  #everyMs;
  #timer = null;
  #asking = false;
  #blocked = false;
  #again = false;

  /** `ask()` does it all and throws a `Problem` when it failed. */
  constructor(ask, everyMs) {
    this.#ask = ask;
    this.#everyMs = everyMs;
    document.addEventListener('visibilitychange', () => !document.hidden && this.now());
  }

  /** Asks at once, also after a token was refused. */
  now() {
    this.#blocked = false;
    this.#again = this.#asking;
    if (!this.#asking) this.#run();
  }

  async #run() {
    clearTimeout(this.#timer);
    if (this.#blocked || document.hidden) return;
    this.#asking = true;
    this.#again = false;
    const beganMs = performance.now();
    try {
      await this.#ask();
    } catch (problem) {
      this.#blocked = WAIT_FOR_TOKEN.includes(problem.status);
    }
    this.#asking = false;
    if (this.#again) this.#blocked = false;
    this.#timer = setTimeout(() => this.#run(), this.#again ? 0 : this.#pauseMs(performance.now() - beganMs));
  }

  #pauseMs(tookMs) {
    return Math.max(this.#everyMs, Math.min(PAUSE_TIMES * tookMs, PAUSE_MAX_MS));
  }
}
