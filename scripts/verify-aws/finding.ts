/** What was looked at, and what was seen. */
export interface Finding {
  readonly what: string;
  readonly seen: string;
  /** Undefined where it could not be tried. */
  readonly isAsExpected: boolean | undefined;
}
