/** What went wrong with single jobs while all of them were looked after: it keeps no other job from its turn. */
export class Trouble {
  readonly errors: { readonly about: string; readonly error: unknown }[] = [];

  /** Undefined if it went wrong. */
  async collect<Answer>(about: string, act: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await act();
    } catch (error) {
      this.errors.push({ about, error });
      return undefined;
    }
  }
}
