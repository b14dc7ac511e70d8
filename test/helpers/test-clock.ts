/** A clock that stands still until it is told that time has passed. */
export class TestClock {
  #milliseconds = Date.parse("2026-11-22T10:00:00.000Z");

  readonly now = (): Date => new Date(this.#milliseconds);

  pass(seconds: number): void {
    this.#milliseconds += seconds * 1_000;
  }
}
