/** How much output of a job may still be stored, over all its panes. */
export class OutputBudget {
  #leftBytes: number;

  constructor(bytes: number) {
    this.#leftBytes = bytes;
  }

  /** Takes `bytes` from the budget if they fit. Once something did not fit, nothing does: no holes in the middle. */
  take(bytes: number): boolean {
    if (bytes > this.#leftBytes) {
      this.#leftBytes = 0;
      return false;
    }
    this.#leftBytes -= bytes;
    return true;
  }
}
