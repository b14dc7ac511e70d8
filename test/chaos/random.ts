import { Random } from "../model/random.ts";

/** What a plan is made with: the same for the same seed. */
export interface PlanRandom {
  /** At least `from`, less than `to`. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  shuffled<Item>(items: readonly Item[]): Item[];
}

export function seededRandom(seed: number): PlanRandom {
  const { next } = new Random(seed);
  return {
    between: (from, to) => from + next() * (to - from),
    chance: (probability) => next() < probability,
    shuffled: (items) =>
      items
        .map((item) => ({ item, place: next() }))
        .toSorted((first, second) => first.place - second.place)
        .map(({ item }) => item),
  };
}

/** `CHAOS_SEED`, or one that nobody has had. */
export function seedOfRun(): number {
  return Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
}
