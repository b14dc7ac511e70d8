/** The value in the middle; the mean of the two there if their number is even. Throws without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((first, second) => first - second);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError("No values were measured.");
  return (lower + upper) / 2;
}

/** Runs the candidates one after the other, round by round, so that what else the machine does meets all of them alike. */
export async function alternate<Results extends Readonly<Record<string, unknown>>>(
  rounds: number,
  candidates: { readonly [Name in keyof Results]: (round: number) => Promise<Results[Name]> },
): Promise<{ readonly [Name in keyof Results]: readonly Results[Name][] }> {
  const names: (keyof Results)[] = Object.keys(candidates);
  const results = new Map<keyof Results, unknown[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results.get(name)?.push(await candidates[name](round));
  }
  // Each list was filled by the candidate of its own name.
  return Object.fromEntries(results) as { [Name in keyof Results]: Results[Name][] };
}
