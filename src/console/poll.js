// Asks again and again at a bounded rate: the next question begins a pause after the last answer, so a slow node is asked
// less. Nothing is asked while the page is hidden, nor while the node wants a token that we do not have.

/** Statuses that asking again does not change: the token has to. */
const WAIT_FOR_TOKEN = [401, 403];

export class Poll {
  #ask;
  #everyMs;
  #timer = null;
  #asking = false;
  #blocked = false;
  #active = true;
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

  /** Goes on or pauses. */
  setActive(active) {
    const begins = active && !this.#active;
    this.#active = active;
    if (begins) this.now();
  }

  async #run() {
    clearTimeout(this.#timer);
    if (!this.#active || this.#blocked || document.hidden) return;
    this.#asking = true;
    this.#again = false;
    try {
      await this.#ask();
    } catch (problem) {
      this.#blocked = WAIT_FOR_TOKEN.includes(problem.status);
    }
    this.#asking = false;
    const pauseMs = this.#again ? 0 : this.#everyMs;
    if (this.#again) this.#blocked = false;
    this.#timer = setTimeout(() => this.#run(), pauseMs);
  }
}
